/*
 * What limits a caller, as people and programs read it.
 */
#include "common/base/buf.h"
#include "common/format/json.h"
#include "common/format/table.h"
#include "common/llm/estimate.h"
#include "topology/effective.h"
#include "topology/value.h"

static void
put_text(struct table *t, const char *text)
{
	table_text(t, slice_of(text));
}

static void
put_limits(const struct effective *e, struct buf *out)
{
	static const struct table_column columns[] = { { "LEVEL", CELL_TEXT },
		{ "KIND", CELL_TEXT }, { "VALUE", CELL_TEXT },
		{ "WARNS AT", CELL_TEXT }, { "OF ITS KIND", CELL_TEXT } };
	char share[VALUE_NUMBER_CHARS];
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < e->limits_count; i++) {
		const struct effective_limit *l = &e->limits[i];

		value_write_number(VALUE_SHARE, l->warn_ppm, share);
		put_text(&t, l->level);
		put_text(&t, l->kind);
		put_text(&t, l->value);
		put_text(&t, l->warn_ppm > 0 ? share : "");
		put_text(&t, l->tightest ? "tightest" : "");
	}
	table_close(&t);
}

static bool
holds(const struct limit_terms *limits)
{
	bool some = false;
	int w;

	for (w = 0; w < BUDGET_WINDOWS; w++)
		some |= limits->budget.most[w][BUDGET_TOKENS] > 0 ||
			limits->budget.most[w][BUDGET_MICROUSD] > 0;
	return some;
}

/* Any level's budget of tokens or money has to hold what may come. */
static bool
is_held(const struct effective *e)
{
	return holds(&e->node->limits) || holds(&e->team->limits) ||
	       (e->tier != NULL && holds(&e->tier->limits)) ||
	       (e->project != NULL && holds(&e->project->limits)) ||
	       (e->user != NULL && holds(&e->user->limits));
}

/* As node and egress put it: 0 for none. */
static int64_t
output_cap(const struct effective *e, const struct group *g)
{
	if (g->max_output == 0 && is_held(e))
		return ESTIMATE_HELD_TOKENS;
	return g->max_output;
}

static void
put_groups(const struct effective *e, struct buf *out)
{
	static const struct table_column columns[] = { { "GROUP", CELL_TEXT },
		{ "MAX_OUTPUT", CELL_TEXT }, { "OUTPUT_ESTIMATE", CELL_INT },
		{ "SHAPING", CELL_TEXT } };
	char most[VALUE_NUMBER_CHARS];
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < e->node->groups_count; i++) {
		const struct group *g = &e->node->groups[i];

		value_write_number(VALUE_INT, output_cap(e, g), most);
		table_text(&t, g->name);
		put_text(&t, output_cap(e, g) > 0 ? most : "");
		table_int(&t, g->output_estimate);
		put_text(&t,
		    effective_shaping_text(e->folder->arena, &g->shaping));
	}
	table_close(&t);
}

static void
put_accounts(const struct effective *e, struct buf *out)
{
	static const struct table_column columns[] = { { "ACCOUNT", CELL_TEXT },
		{ "AT", CELL_TEXT }, { "KEY", CELL_TEXT },
		{ "SHAPING", CELL_TEXT } };
	struct table t;
	size_t i;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < e->accounts_count; i++) {
		const struct effective_account *a = &e->accounts[i];

		put_text(&t, a->name);
		put_text(&t, a->where);
		put_text(&t, a->own_key ? "the team's" : "");
		put_text(&t,
		    effective_shaping_text(e->folder->arena, a->shaping));
	}
	table_close(&t);
}

/* The caller as it was asked for. */
static void
put_caller(const struct effective *e, struct buf *out)
{
	buf_printf(out, "A caller of node %s", e->member->name.ptr);
	if (e->tier != NULL)
		buf_printf(out, ", tier %s", e->tier->name.ptr);
	if (e->project != NULL)
		buf_printf(out, ", project %s", e->project->name.ptr);
	if (e->user != NULL)
		buf_printf(out, ", user %s", e->user->name.ptr);
	buf_printf(out, "; team %s, weight %jd\n", e->team->name.ptr,
	    (intmax_t)e->team->weight);
}

void
effective_put(const struct effective *e, struct buf *out)
{
	put_caller(e, out);
	buf_putc(out, '\n');
	if (e->limits_count > 0)
		put_limits(e, out);
	else
		buf_puts(out, "No level limits it.\n");
	buf_putc(out, '\n');
	put_groups(e, out);
	buf_putc(out, '\n');
	if (e->accounts_count > 0)
		put_accounts(e, out);
	else
		buf_puts(out, "No account that it gets to is shaped.\n");
}

static void
field_if(struct json_writer *w, const char *name, int64_t number)
{
	if (number > 0)
		json_field_int(w, name, number);
}

static void
field_shaping(struct json_writer *w, const char *name,
    const struct shaping_terms *s)
{
	json_key(w, name);
	json_open(w, '{');
	field_if(w, "rpm", s->rpm);
	field_if(w, "burst", s->burst);
	field_if(w, "tpm", s->tpm);
	field_if(w, "input_tpm", s->input_tpm);
	field_if(w, "output_tpm", s->output_tpm);
	field_if(w, "token_burst", effective_token_burst(s));
	field_if(w, "concurrent", s->concurrent);
	field_if(w, "queue_ms", s->queue_ms);
	if (s->queue_ms > 0)
		json_field_int(w, "queue_depth", s->queue_depth);
	json_close(w, '}');
}

/* Values are decimals, which JSON writes alike. */
static void
put_limit_json(struct json_writer *w, const struct effective_limit *l)
{
	json_open(w, '{');
	json_field_text(w, "level", slice_of(l->level));
	json_field_text(w, "kind", slice_of(l->kind));
	if (l->shaping != NULL) {
		field_shaping(w, "value", l->shaping);
	} else {
		json_key(w, "value");
		json_put_raw(w, slice_of(l->value));
	}
	field_if(w, "warn_ppm", l->warn_ppm);
	json_field_bool(w, "tightest", l->tightest);
	json_close(w, '}');
}

static void
put_group_json(struct json_writer *w, const struct effective *e,
    const struct group *g)
{
	json_open(w, '{');
	json_field_text(w, "group", g->name);
	field_if(w, "max_output", output_cap(e, g));
	json_field_int(w, "output_estimate", g->output_estimate);
	field_shaping(w, "shaping", &g->shaping);
	json_close(w, '}');
}

static void
put_account_json(struct json_writer *w, const struct effective_account *a)
{
	json_open(w, '{');
	json_field_text(w, "account", slice_of(a->name));
	json_field_text(w, "at", slice_of(a->where));
	json_field_bool(w, "team_key", a->own_key);
	field_shaping(w, "shaping", a->shaping);
	json_close(w, '}');
}

static void
put_caller_json(const struct effective *e, struct json_writer *w)
{
	json_field_text(w, "node", e->member->name);
	json_field_text(w, "team", e->team->name);
	json_field_int(w, "weight", e->team->weight);
	if (e->tier != NULL)
		json_field_text(w, "tier", e->tier->name);
	if (e->project != NULL)
		json_field_text(w, "project", e->project->name);
	if (e->user != NULL)
		json_field_text(w, "user", e->user->name);
}

void
effective_put_json(const struct effective *e, struct json_writer *w)
{
	size_t i;

	json_open(w, '{');
	json_field_bool(w, "ok", true);
	json_field_text(w, "mesh", folder_mesh(e->folder)->name);
	put_caller_json(e, w);
	json_key(w, "limits");
	json_open(w, '[');
	for (i = 0; i < e->limits_count; i++)
		put_limit_json(w, &e->limits[i]);
	json_close(w, ']');
	json_key(w, "groups");
	json_open(w, '[');
	for (i = 0; i < e->node->groups_count; i++)
		put_group_json(w, e, &e->node->groups[i]);
	json_close(w, ']');
	json_key(w, "accounts");
	json_open(w, '[');
	for (i = 0; i < e->accounts_count; i++)
		put_account_json(w, &e->accounts[i]);
	json_close(w, ']');
	json_close(w, '}');
}
