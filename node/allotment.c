#include "node/allotment.h"

#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/member/balance.h"
#include "node/caller.h"
#include "topology/load.h"

static void
put_text(struct json_writer *w, const char *name, struct slice text)
{
	json_key(w, name);
	if (text.len > 0)
		json_put_text(w, text);
	else
		json_put_null(w);
}

/* Null where the tier says nothing. */
static void
put_term(struct json_writer *w, const char *name, int64_t value)
{
	json_key(w, name);
	if (value > 0)
		json_put_int(w, value);
	else
		json_put_null(w);
}

static void
put_shaping(struct json_writer *w, const struct tier *tier)
{
	const struct shaping_terms *t = tier != NULL ? &tier->shaping : NULL;

	json_key(w, "shaping");
	if (t == NULL || !shaping_is_said(t)) {
		json_put_null(w);
		return;
	}
	json_open(w, '{');
	put_term(w, "rpm", t->rpm);
	put_term(w, "burst", t->burst);
	put_term(w, "tpm", t->tpm);
	put_term(w, "input_tpm", t->input_tpm);
	put_term(w, "output_tpm", t->output_tpm);
	put_term(w, "token_burst", t->token_burst);
	put_term(w, "concurrent", t->concurrent);
	json_field_int(w, "queue_ms", t->queue_ms);
	json_field_int(w, "queue_depth", t->queue_depth);
	json_close(w, '}');
}

static void
put_limits(struct json_writer *w, const struct limits_standing *s,
    int64_t wall_us)
{
	json_key(w, "limits");
	balance_put_rates(w, s, wall_us);
	json_key(w, "budgets");
	balance_put_budgets(w, s);
}

/* One that others use too: only where it limits anything. */
static void
put_shared(struct json_writer *w, struct limits *l,
    const struct limits_who *who, int64_t wall_us)
{
	struct limits_standing s;

	if (who->level != SCOPE_NODE && who->name.len == 0)
		return;
	limits_stand(l, who, &s);
	if (!balance_is_limited(&s))
		return;
	json_open(w, '{');
	json_field_text(w, "level", slice_of(scope_level_name(who->level)));
	put_text(w, "name", who->name);
	put_limits(w, &s, wall_us);
	json_close(w, '}');
}

void
allotment_write(struct buf *out, struct limits *l, const struct topology *t,
    const struct caller *c, int64_t wall_us)
{
	const struct limits_who shared[] = {
		{ SCOPE_PROJECT, c->project, slice_of("") },
		{ SCOPE_USER, c->user, slice_of("") },
		{ SCOPE_NODE, slice_of(""), slice_of("") },
	};
	const struct limits_who own = { SCOPE_CALLER, c->name, c->tier };
	struct json_writer w = { .out = out };
	char at[CLOCK_TEXT_BYTES];
	struct limits_standing s;
	size_t i;

	limits_stand(l, &own, &s);
	clock_write(wall_us, at);
	json_open(&w, '{');
	json_field_text(&w, "object", slice_of("router.usage"));
	json_field_text(&w, "at", slice_of(at));
	json_field_text(&w, "caller", c->name);
	put_text(&w, "tier", c->tier);
	put_limits(&w, &s, wall_us);
	json_key(&w, "spent");
	balance_put_spent(&w, &s);
	put_shaping(&w, node_tier(t->node, c->tier));
	json_key(&w, "shared");
	json_open(&w, '[');
	for (i = 0; i < count_of(shared); i++)
		put_shared(&w, l, &shared[i], wall_us);
	json_close(&w, ']');
	json_close(&w, '}');
}
