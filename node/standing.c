#include "node/standing.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/base/command.h"
#include "common/format/table.h"
#include "common/member/metrics.h"
#include "node/bench.h"
#include "topology/load.h"

#define ARENA_MAX    ((size_t)64 * 1024 * 1024)
#define NAME_MAX_FOR 4096 /* of targets that a wrong word is compared with */
#define NUMBER_CHARS 40
#define PER_1000     1000

static struct standing *
find(const struct standings *s, struct slice target)
{
	return map_find(&s->by_target, target);
}

const struct standing *
standings_find(const struct standings *s, struct slice target)
{
	return find(s, target);
}

const char *
standings_nearest(const struct standings *s, struct slice target)
{
	const char *words[NAME_MAX_FOR];
	size_t count = min_size(s->count, NAME_MAX_FOR), i;

	for (i = 0; i < count; i++)
		words[i] = s->items[i].target.ptr;
	return nearest_word(target, words, count);
}

static void
look_at(struct standings *s, struct standing *item,
    const struct standing_wish *wish)
{
	struct target_state *state =
	    target_state_find(wish->states, item->target);
	struct buf bytes;

	if (state == NULL)
		return;
	target_look(state, &item->look, wish->now_us, wish->wall_us);
	item->disabled = item->look.disabled_until_us > 0;
	if (!item->disabled || wish->bench == NULL)
		return;
	buf_init(&bytes, ROW_BYTES_MAX);
	if (bench_find(wish->bench, item->target, &bytes, &item->taken_out)) {
		item->taken_out.by = arena_copy(&s->arena, item->taken_out.by);
		item->taken_out.detail =
		    arena_copy(&s->arena, item->taken_out.detail);
	}
	buf_fini(&bytes);
}

/* Behind these the names of further groups are three dots. */
#define GROUPS_BYTES_MAX 400
#define MORE             ", ..."

static const char *
one_more(struct arena *arena, const char *groups, struct slice name)
{
	size_t len = strlen(groups);

	if (len > strlen(MORE) &&
	    strcmp(groups + len - strlen(MORE), MORE) == 0)
		return groups;
	if (len + name.len > GROUPS_BYTES_MAX)
		return arena_printf(arena, "%s" MORE, groups);
	return arena_printf(arena, "%s, %.*s", groups, SLICE_FMT(name));
}

static void
add_group(struct standings *s, const struct group *g,
    const struct standing_wish *wish)
{
	struct standing *item;
	size_t i;

	for (i = 0; i < g->targets_count; i++) {
		item = find(s, g->targets[i].model);
		if (item != NULL) {
			item->groups =
			    one_more(&s->arena, item->groups, g->name);
			continue;
		}
		item = &s->items[s->count++];
		map_put(&s->by_target, g->targets[i].model, item);
		item->target = g->targets[i].model;
		item->groups = arena_text(&s->arena, g->name);
		look_at(s, item, wish);
	}
}

void
standings_take(struct standings *s, const struct standing_wish *wish)
{
	const struct node_file *file = wish->topology->node;
	size_t i, most = 0;

	s->topology = topology_hold(wish->topology);
	s->count = 0;
	map_init(&s->by_target);
	arena_init(&s->arena, ARENA_MAX);
	for (i = 0; i < file->groups_count; i++)
		most += file->groups[i].targets_count;
	s->items = arena_many(&s->arena, struct standing, most);
	for (i = 0; i < file->groups_count; i++)
		add_group(s, &file->groups[i], wish);
}

void
standings_fini(struct standings *s)
{
	map_fini(&s->by_target);
	topology_release(s->topology);
	arena_fini(&s->arena);
}

/* "ok", "backing-off", "half-open" or "disabled". */
static const char *
state_name(const struct standing *s)
{
	static const char *const names[] = {
		[BACKOFF_CLOSED] = "ok",
		[BACKOFF_OPEN] = "backing-off",
		[BACKOFF_HALF_OPEN] = "half-open",
	};

	return s->disabled ? "disabled" : names[s->look.state];
}

/* "backing off (rate) for 3.0 s", "disabled until …" */
static void
put_state(struct table *t, const struct standing *s)
{
	struct buf text;

	buf_init(&text, ROW_BYTES_MAX);
	if (s->disabled) {
		buf_puts(&text, "disabled");
		if (s->look.disabled_until_us != INT64_MAX) {
			buf_puts(&text, " until ");
			cell_write(&text, CELL_TIME, s->look.disabled_until_us);
		}
	} else if (s->look.state == BACKOFF_OPEN) {
		buf_printf(&text, "backing off (%s) for ",
		    backoff_kind_name(s->look.kind));
		cell_write(&text, CELL_US, s->look.wait_us);
	} else {
		buf_puts(&text, state_name(s));
	}
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_why(struct table *t, const struct standing *s)
{
	struct buf text;

	buf_init(&text, ROW_BYTES_MAX);
	if (s->disabled && s->taken_out.by.len > 0) {
		cell_write_text(&text, s->taken_out.by);
		if (s->taken_out.detail.len > 0)
			buf_puts(&text, ": ");
		cell_write_text(&text, s->taken_out.detail);
	}
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_rate(struct table *t, double tokens_per_s)
{
	char text[NUMBER_CHARS] = "-";

	if (tokens_per_s > 0)
		snprintf(text, sizeof(text), "%.1f", tokens_per_s);
	table_text(t, slice_of(text));
}

void
standings_text(const struct standings *s, struct buf *out)
{
	static const struct table_column columns[] = {
		{ "target", CELL_TEXT },
		{ "state", CELL_TEXT },
		{ "attempts", CELL_INT },
		{ "failures", CELL_INT },
		{ "ttft p50", CELL_US },
		{ "p95", CELL_US },
		{ "total p50", CELL_US },
		{ "p95", CELL_US },
		{ "tokens/s", CELL_TEXT },
		{ "groups", CELL_TEXT },
		{ "disabled by", CELL_TEXT },
	};
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < s->count; i++) {
		const struct standing *item = &s->items[i];
		const struct sight *seen = &item->look.seen;

		table_text(&t, item->target);
		put_state(&t, item);
		table_int(&t, seen->attempts);
		table_int(&t, seen->failures);
		table_int(&t, seen->ttft_p50_us);
		table_int(&t, seen->ttft_p95_us);
		table_int(&t, seen->total_p50_us);
		table_int(&t, seen->total_p95_us);
		put_rate(&t, seen->tokens_per_s);
		table_text(&t, slice_of(item->groups));
		put_why(&t, item);
	}
	table_close(&t);
}

static void
write_groups(struct json_writer *w, const char *groups)
{
	size_t n;

	json_key(w, "groups");
	json_open(w, '[');
	while (*groups != '\0') {
		n = strcspn(groups, ",");
		json_put_text(w, slice_make(groups, n));
		groups += n;
		groups += strspn(groups, ", ");
	}
	json_close(w, ']');
}

static void
write_disabled(struct json_writer *w, const struct standing *s)
{
	char until[CLOCK_TEXT_BYTES];

	json_key(w, "disabled_until");
	if (s->look.disabled_until_us > 0 &&
	    s->look.disabled_until_us <= ROW_TIME_MAX) {
		clock_write(s->look.disabled_until_us, until);
		json_put_text(w, slice_of(until));
	} else {
		json_put_null(w);
	}
	json_field_text(w, "disabled_by", s->taken_out.by);
	json_field_text(w, "why", s->taken_out.detail);
}

void
standings_json(const struct standings *s, struct buf *out)
{
	struct json_writer w = { .out = out };
	size_t i;

	json_open(&w, '[');
	for (i = 0; i < s->count; i++) {
		const struct standing *item = &s->items[i];
		const struct target_look *look = &item->look;
		const struct sight *seen = &look->seen;

		json_open(&w, '{');
		json_field_text(&w, "target", item->target);
		json_field_text(&w, "state", slice_of(state_name(item)));
		json_field_text(&w, "backoff",
		    slice_of(backoff_kind_name(look->kind)));
		json_field_int(&w, "wait_us", look->wait_us);
		write_disabled(&w, item);
		json_field_int(&w, "attempts", seen->attempts);
		json_field_int(&w, "failures", seen->failures);
		json_field_int(&w, "ttft_p50_us", seen->ttft_p50_us);
		json_field_int(&w, "ttft_p95_us", seen->ttft_p95_us);
		json_field_int(&w, "total_p50_us", seen->total_p50_us);
		json_field_int(&w, "total_p95_us", seen->total_p95_us);
		json_field_int(&w, "tokens_per_ks",
		    (int64_t)(seen->tokens_per_s * PER_1000 + 0.5));
		write_groups(&w, item->groups);
		json_close(&w, '}');
	}
	json_close(&w, ']');
	buf_putc(out, '\n');
}

/* One number of each target. */
struct gauge {
	const char *name, *help;
	const char *label, *value; /* a second label, or NULL */
	double (*read)(const struct target_look *look);
};

static double
read_up(const struct target_look *look)
{
	return look->disabled_until_us == 0 && look->state != BACKOFF_OPEN;
}

static double
read_disabled(const struct target_look *look)
{
	return look->disabled_until_us != 0;
}

static double
read_backoff(const struct target_look *look)
{
	return (double)look->wait_us / US_PER_SECOND;
}

static double
read_attempts(const struct target_look *look)
{
	return (double)look->seen.attempts;
}

static double
read_failures(const struct target_look *look)
{
	return (double)look->seen.failures;
}

static double
read_rate(const struct target_look *look)
{
	return look->seen.tokens_per_s;
}

static double
read_ttft_p50(const struct target_look *look)
{
	return (double)look->seen.ttft_p50_us / US_PER_SECOND;
}

static double
read_ttft_p95(const struct target_look *look)
{
	return (double)look->seen.ttft_p95_us / US_PER_SECOND;
}

static double
read_total_p50(const struct target_look *look)
{
	return (double)look->seen.total_p50_us / US_PER_SECOND;
}

static double
read_total_p95(const struct target_look *look)
{
	return (double)look->seen.total_p95_us / US_PER_SECOND;
}

static const struct gauge gauges[] = {
	{ "gsr_target_up", "1 when the target may be tried now", NULL, NULL,
	    read_up },
	{ "gsr_target_disabled", "1 while an operator keeps it out of use",
	    NULL, NULL, read_disabled },
	{ "gsr_target_backoff_seconds",
	    "how long it is left alone; 0 when it is not", NULL, NULL,
	    read_backoff },
	{ "gsr_target_attempts_window",
	    "attempts in the last nine to ten minutes", NULL, NULL,
	    read_attempts },
	{ "gsr_target_failures_window", "of those, failures by its own fault",
	    NULL, NULL, read_failures },
	{ "gsr_target_tokens_per_second",
	    "output tokens a second after the first content", NULL, NULL,
	    read_rate },
	{ "gsr_target_ttft_seconds", "time to the first content in the window",
	    "quantile", "0.5", read_ttft_p50 },
	{ "gsr_target_ttft_seconds", "", "quantile", "0.95", read_ttft_p95 },
	{ "gsr_target_total_seconds", "time of whole answers in the window",
	    "quantile", "0.5", read_total_p50 },
	{ "gsr_target_total_seconds", "", "quantile", "0.95", read_total_p95 },
};

void
standings_metrics(const struct standings *s, struct buf *out)
{
	size_t g, i;

	for (g = 0; g < count_of(gauges); g++) {
		if (gauges[g].help[0] != '\0')
			metrics_family(out, gauges[g].name, "gauge",
			    gauges[g].help);
		for (i = 0; i < s->count; i++) {
			const struct metric_label labels[] = {
				{ "target", s->items[i].target },
				{ gauges[g].label, slice_of(gauges[g].value) },
			};

			metrics_sample(out, gauges[g].name, labels,
			    gauges[g].label != NULL ? 2 : 1,
			    gauges[g].read(&s->items[i].look));
		}
	}
}
