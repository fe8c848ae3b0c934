#include "common/member/tally.h"

#include "common/base/clock.h"
#include "common/limit/bar.h"
#include "common/member/balance.h"
#include "common/member/gatehouse.h"
#include "common/member/metrics.h"

#define CELL_MAX 512
#define PERCENT  100
#define OTHERS   "others"

/* Under way: writing all that is asked for. */
struct writing {
	const struct tally *tally;
	struct buf *out;
	struct table table;
	struct json_writer json;
	int64_t wall_us;
	const struct gate *gate;
	size_t holders; /* written */
};

static bool
is_of_all(const struct tally *t)
{
	size_t i;

	for (i = 0; i < SCOPE_LEVELS; i++)
		if (t->only[i].len > 0)
			return false;
	return true;
}

/* A holder is a team or a project, or not somebody's to see who has a scope. */
static bool
is_in_scope(const struct tally *t, const struct scope *s)
{
	const struct slice none = { NULL, 0 };

	if (admin_scope_is_all(t->scope))
		return true;
	if (s->level == SCOPE_TEAM)
		return admin_scope_allows(t->scope, s->name, none);
	return s->level == SCOPE_PROJECT &&
	       admin_scope_allows(t->scope, none, s->name);
}

static bool
is_asked(const struct tally *t, const struct limits_standing *s)
{
	if (!is_in_scope(t, &s->scope))
		return false;
	if (!is_of_all(t))
		return slice_eq(t->only[s->scope.level], s->scope.name) &&
		       s->scope.name.len > 0;
	return balance_is_limited(s) || balance_has_spent(s);
}

/* "caller ci" is that of the caller ci. */
static bool
is_asked_gate(const struct tally *t, const struct gate *g)
{
	const char *level;
	size_t i;

	if (!admin_scope_is_all(t->scope))
		return false;
	for (i = 0; i < SCOPE_LEVELS; i++) {
		level = scope_level_name((enum scope_level)i);
		if (t->only[i].len > 0 && slice_starts(g->name, level) &&
		    g->name.len == strlen(level) + 1 + t->only[i].len &&
		    slice_eq(slice_after(g->name, strlen(level) + 1),
			t->only[i]))
			return true;
	}
	return is_of_all(t);
}

/* "59/60"; nothing where there is no limit. */
static void
cell_of(struct table *t, int64_t left, int64_t most)
{
	struct buf text;

	buf_init(&text, CELL_MAX);
	if (most > 0)
		buf_printf(&text, "%lld/%lld", (long long)left,
		    (long long)most);
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
cell_running(struct table *t, int64_t running, int64_t most)
{
	struct buf text;

	if (most > 0) {
		cell_of(t, running, most);
		return;
	}
	buf_init(&text, CELL_MAX);
	buf_printf(&text, "%lld", (long long)running);
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
cell_amount(struct table *t, const struct balance_line *line, int64_t amount)
{
	struct buf text;

	buf_init(&text, CELL_MAX);
	bar_amount(&text, line->is_usd ? BUDGET_MICROUSD : BUDGET_REQUESTS,
	    amount);
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_whose(struct writing *w, const struct limits_standing *s, bool first)
{
	struct table *t = &w->table;
	struct balance_line rpm, tpm;
	bool rated = balance_line(s, LIMIT_RPM, &rpm) && first;
	bool metered = balance_line(s, LIMIT_TPM, &tpm) && first;

	table_text(t, slice_of(scope_level_name(s->scope.level)));
	table_text(t, s->scope.name);
	table_text(t, slice_of(first ? s->tier : ""));
	cell_of(t, rpm.most - rpm.used, rated ? rpm.most : 0);
	cell_of(t, tpm.most - tpm.used, metered ? tpm.most : 0);
	if (first)
		cell_running(t, s->scope.running, s->scope.rates.concurrent);
	else
		table_text(t, slice_of(""));
}

static void
put_sum(struct writing *w, const struct balance_line *line)
{
	struct table *t = &w->table;
	struct buf share;

	buf_init(&share, CELL_MAX);
	table_text(t, slice_of(line->name));
	cell_amount(t, line, line->used - line->held);
	cell_amount(t, line, line->held);
	if (line->most > 0) {
		cell_amount(t, line, line->most);
		buf_printf(&share, "%lld%%",
		    (long long)((__int128)line->used * PERCENT / line->most));
	} else {
		table_text(t, slice_of(""));
	}
	table_text(t, buf_slice(&share));
	buf_fini(&share);
}

/* A line for each budget; who has none shows what its month came to. */
static void
on_holder_text(void *arg, const struct limits_standing *s)
{
	struct writing *w = arg;
	struct balance_line line;
	bool first = true;
	size_t i;

	if (!is_asked(w->tally, s))
		return;
	w->holders++;
	for (i = LIMIT_BUDGET; i < BALANCE_LINES; i++) {
		if (!balance_line(s, i, &line))
			continue;
		put_whose(w, s, first);
		put_sum(w, &line);
		first = false;
	}
	if (!first)
		return;
	put_whose(w, s, true);
	(void)balance_line(s,
	    LIMIT_BUDGET + BUDGET_MONTH * BUDGET_UNITS + BUDGET_MICROUSD,
	    &line);
	put_sum(w, &line);
}

static void
write_holders(struct writing *w)
{
	static const struct table_column columns[] = {
		{ "level", CELL_TEXT },
		{ "name", CELL_TEXT },
		{ "tier", CELL_TEXT },
		{ "rpm left", CELL_TEXT },
		{ "tpm left", CELL_TEXT },
		{ "running", CELL_TEXT },
		{ "budget", CELL_TEXT },
		{ "spent", CELL_TEXT },
		{ "held", CELL_TEXT },
		{ "limit", CELL_TEXT },
		{ "used", CELL_TEXT },
	};

	table_open(&w->table, w->out, OUTPUT_TEXT, columns, count_of(columns));
	limits_each(w->tally->limits, on_holder_text, w);
	table_close(&w->table);
}

static void
on_part_text(void *arg, struct slice part, const struct gate_look *look)
{
	struct writing *w = arg;
	struct table *t = &w->table;
	size_t b;

	table_text(t, w->gate->name);
	table_text(t, part);
	cell_running(t, look->running, look->concurrent);
	if (part.len == 0)
		cell_running(t, look->waiting, 0);
	else
		table_text(t, slice_of(""));
	for (b = 0; b < SHAPER_RATES; b++)
		cell_of(t, look->left[b], look->rate[b]);
}

static void
on_gate_text(void *arg, struct gate *g)
{
	struct writing *w = arg;

	w->gate = g;
	if (is_asked_gate(w->tally, g))
		gate_each(g, clock_mono_us(), on_part_text, w);
}

static void
write_gates(struct writing *w)
{
	static const struct table_column columns[] = {
		{ "gate", CELL_TEXT },
		{ "model", CELL_TEXT },
		{ "running", CELL_TEXT },
		{ "waiting", CELL_TEXT },
		{ "rpm left", CELL_TEXT },
		{ "input_tpm left", CELL_TEXT },
		{ "output_tpm left", CELL_TEXT },
		{ "tpm left", CELL_TEXT },
	};

	table_open(&w->table, w->out, OUTPUT_TEXT, columns, count_of(columns));
	gatehouse_each(w->tally->gates, on_gate_text, w);
	table_close(&w->table);
}

static void
on_holder_json(void *arg, const struct limits_standing *s)
{
	struct writing *w = arg;

	if (!is_asked(w->tally, s))
		return;
	w->holders++;
	json_open(&w->json, '{');
	json_field_text(&w->json, "level",
	    slice_of(scope_level_name(s->scope.level)));
	json_field_text(&w->json, "name", s->scope.name);
	json_field_text(&w->json, "tier", slice_of(s->tier));
	json_field_int(&w->json, "running", s->scope.running);
	json_key(&w->json, "limits");
	balance_put_rates(&w->json, s, w->wall_us);
	json_key(&w->json, "budgets");
	balance_put_budgets(&w->json, s);
	json_key(&w->json, "spent");
	balance_put_spent(&w->json, s);
	json_close(&w->json, '}');
}

static void
on_part_json(void *arg, struct slice part, const struct gate_look *look)
{
	struct writing *w = arg;
	struct json_writer *j = &w->json;
	size_t b;

	json_open(j, '{');
	json_field_text(j, "gate", w->gate->name);
	json_field_text(j, "model", part);
	json_field_int(j, "running", look->running);
	json_field_int(j, "waiting", look->waiting);
	json_field_int(j, "concurrent", look->concurrent);
	json_key(j, "rates");
	json_open(j, '{');
	for (b = 0; b < SHAPER_RATES; b++) {
		if (look->rate[b] == 0)
			continue;
		json_key(j, shaper_bucket_name((enum shaper_bucket)b));
		json_open(j, '{');
		json_field_int(j, "per_minute", look->rate[b]);
		json_field_int(j, "left", look->left[b]);
		json_close(j, '}');
	}
	json_close(j, '}');
	json_close(j, '}');
}

static void
on_gate_json(void *arg, struct gate *g)
{
	struct writing *w = arg;

	w->gate = g;
	if (is_asked_gate(w->tally, g))
		gate_each(g, clock_mono_us(), on_part_json, w);
}

static void
write_json(struct writing *w)
{
	json_open(&w->json, '{');
	json_key(&w->json, "holders");
	json_open(&w->json, '[');
	limits_each(w->tally->limits, on_holder_json, w);
	json_close(&w->json, ']');
	json_key(&w->json, "gates");
	json_open(&w->json, '[');
	gatehouse_each(w->tally->gates, on_gate_json, w);
	json_close(&w->json, ']');
	json_close(&w->json, '}');
	buf_putc(w->out, '\n');
}

bool
tally_write(const struct tally *t, enum output_format format, int64_t wall_us,
    struct buf *out)
{
	struct writing w = { .tally = t,
		.out = out,
		.json = { .out = out },
		.wall_us = wall_us };

	if (format == OUTPUT_JSON) {
		write_json(&w);
	} else {
		write_holders(&w);
		buf_putc(out, '\n');
		write_gates(&w);
	}
	return w.holders > 0 || is_of_all(t);
}

/* One gauge of each limit, or of each gate. */
struct gauging {
	struct buf *out;
	const char *name;
	bool held;
	size_t named;
	struct balance_line others[SCOPE_LEVELS][BALANCE_LINES];
	bool waiting;
	int64_t others_at_gates;
};

static double
share(const struct gauging *g, const struct balance_line *line)
{
	return (double)(g->held ? line->held : line->used) / (double)line->most;
}

static void
put_share(struct gauging *g, size_t level, struct slice name,
    const struct balance_line *line)
{
	const struct metric_label labels[] = {
		{ "level",
		    slice_of(scope_level_name((enum scope_level)level)) },
		{ "name", name },
		{ "sum", slice_of(line->name) },
	};

	metrics_sample(g->out, g->name, labels, count_of(labels),
	    share(g, line));
}

static void
add(struct balance_line *sum, const struct balance_line *line)
{
	sum->name = line->name;
	sum->most += line->most;
	sum->used += line->used;
	sum->held += line->held;
}

static void
on_holder_gauge(void *arg, const struct limits_standing *s)
{
	struct gauging *g = arg;
	struct balance_line line;
	size_t i;

	for (i = g->held ? LIMIT_BUDGET : 0; i < BALANCE_LINES; i++) {
		if (!balance_line(s, i, &line))
			continue;
		if (g->named++ < TALLY_SERIES_MAX)
			put_share(g, s->scope.level, s->scope.name, &line);
		else
			add(&g->others[s->scope.level][i], &line);
	}
}

static void
write_shares(const struct tally *t, struct buf *out, const char *name,
    bool held)
{
	struct gauging g = { .out = out, .name = name, .held = held };
	size_t l, i;

	limits_each(t->limits, on_holder_gauge, &g);
	for (l = 0; l < SCOPE_LEVELS; l++)
		for (i = 0; i < BALANCE_LINES; i++)
			if (g.others[l][i].most > 0)
				put_share(&g, l, slice_of(OTHERS),
				    &g.others[l][i]);
}

static void
put_gate(struct gauging *g, struct slice name, int64_t count)
{
	const struct metric_label label = { "gate", name };

	metrics_sample(g->out, g->name, &label, 1, (double)count);
}

static void
on_gate_gauge(void *arg, struct gate *gate)
{
	struct gauging *g = arg;
	struct gate_look look;
	int64_t count;

	gate_look(gate, slice_of(""), &look, clock_mono_us());
	count = g->waiting ? look.waiting : look.running;
	if (g->named++ < TALLY_SERIES_MAX)
		put_gate(g, gate->name, count);
	else
		g->others_at_gates += count;
}

static void
write_gate_counts(const struct tally *t, struct buf *out, const char *name,
    bool waiting)
{
	struct gauging g = { .out = out, .name = name, .waiting = waiting };

	gatehouse_each(t->gates, on_gate_gauge, &g);
	if (g.named > TALLY_SERIES_MAX)
		put_gate(&g, slice_of(OTHERS), g.others_at_gates);
}

void
tally_metrics(const struct tally *t, struct buf *out)
{
	metrics_family(out, "gsr_limit_used_ratio", "gauge",
	    "used and held of each rate, slot and budget, as a share of its "
	    "limit");
	write_shares(t, out, "gsr_limit_used_ratio", false);
	metrics_family(out, "gsr_limit_held_ratio", "gauge",
	    "of those, what is held of budgets for requests under way");
	write_shares(t, out, "gsr_limit_held_ratio", true);
	metrics_family(out, "gsr_gate_waiting", "gauge",
	    "requests that wait for their turn at shaping");
	write_gate_counts(t, out, "gsr_gate_waiting", true);
	metrics_family(out, "gsr_gate_running", "gauge",
	    "requests that shaping let in and that are under way");
	write_gate_counts(t, out, "gsr_gate_running", false);
}
