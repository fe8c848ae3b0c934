#include "node/trial/docket.h"

#include <stdio.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/trial/question.h"
#include "node/trial/testimony.h"
#include "node/trial/trial.h"
#include "topology/group.h"

/* Of a target: two ways, each dialect twice, each trial and its opposite. */
#define ENTRIES_MAX (TARGETS_MAX * 4 * TRIALS + 8)

/* What a request without it cannot be mistaken for. */
#define REFUSABLE                                                              \
	(CAPABILITY_TOOLS | CAPABILITY_IMAGES | CAPABILITY_DOCUMENTS |         \
	    CAPABILITY_REASONING | CAPABILITY_AUDIO | CAPABILITY_FORCED_TOOLS)

struct planning {
	struct docket *docket;
	const struct docket_wish *wish;
	struct arena *arena;
};

static struct slice
text_of(struct arena *a, const struct json_value *v, const char *name)
{
	struct slice text;

	if (!json_text(json_find(v, name), a, &text))
		return slice_of("");
	return arena_copy(a, text);
}

static unsigned
dialects_of(const struct json_value *list)
{
	const struct json_value *v;
	unsigned bits = 0, d;

	for (v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
		for (d = 0; d < DIALECTS; d++)
			if (json_is(v, dialect_name((enum dialect)d)))
				bits |= 1u << d;
	return bits;
}

static unsigned
capabilities_of(const struct json_value *list)
{
	const struct json_value *v;
	unsigned bits = 0, i;

	for (v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
		for (i = 0; i < CAPABILITIES; i++)
			if (json_is(v, capability_name(i)))
				bits |= 1u << i;
	return bits;
}

static bool
is_true(const struct json_value *v)
{
	return v != NULL && v->type == JSON_TRUE;
}

static const struct docket_direct *
read_direct(struct arena *a, const struct json_value *v)
{
	struct docket_direct *direct;

	if (v == NULL)
		return NULL;
	direct = arena_new(a, struct docket_direct);
	*direct = (struct docket_direct){
		.url = text_of(a, v, "url"),
		.model = text_of(a, v, "model"),
		.cap_key = text_of(a, v, "cap_key"),
		.auth_field = text_of(a, v, "auth_field"),
		.auth_prefix = text_of(a, v, "auth_prefix"),
		.secret = text_of(a, v, "secret"),
		.ca_file = text_of(a, v, "ca_file"),
	};
	if (!dialect_by_name(&direct->dialect, text_of(a, v, "dialect")))
		return NULL;
	return direct;
}

static const struct docket_target *
read_targets(struct arena *a, const struct json_value *list, size_t *count)
{
	struct docket_target *targets;
	const struct json_value *v;
	size_t n = 0;

	targets =
	    arena_many(a, struct docket_target, list != NULL ? list->count : 0);
	for (v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
		targets[n++] = (struct docket_target){
			.name = text_of(a, v, "target"),
			.offered = is_true(json_find(v, "offered")),
			.stated = is_true(json_find(v, "stated")),
			.dialects = dialects_of(json_find(v, "dialects")),
			.supports = capabilities_of(json_find(v, "supports")),
			.direct = read_direct(a, json_find(v, "direct")),
		};
	*count = n;
	return targets;
}

static bool
goes_by(const struct json_value *group, const char *name)
{
	const struct json_value *v = json_find(group, "aliases");

	if (json_is(json_find(group, "name"), name))
		return true;
	for (v = v != NULL ? v->first : NULL; v != NULL; v = v->next)
		if (json_is(v, name))
			return true;
	return false;
}

static const struct json_value *
find_group(const struct json_value *root, const char *name, struct buf *why)
{
	const struct json_value *list = json_find(root, "groups"), *v;

	for (v = list != NULL ? list->first : NULL; v != NULL; v = v->next)
		if (goes_by(v, name))
			return v;
	buf_printf(why, "no group is named '%s'\n", name);
	return NULL;
}

static struct docket_entry *
add(struct planning *p, const struct docket_entry *entry)
{
	const struct docket_wish *wish = p->wish;
	struct docket *d = p->docket;

	if (wish->capability != NULL &&
	    strcmp(wish->capability, entry->name) != 0 &&
	    strcmp(wish->capability, entry->trial->name) != 0)
		return NULL;
	if (!(entry->direct ? wish->direct : wish->router) ||
	    d->count == ENTRIES_MAX)
		return NULL;
	d->entries[d->count] = *entry;
	return &d->entries[d->count++];
}

static void
skip(struct docket_entry *e, const char *why)
{
	if (e == NULL)
		return;
	e->outcome = OUTCOME_SKIPPED;
	snprintf(e->why, sizeof(e->why), "%s", why);
}

/* The dialect to ask in: one that the target speaks, where there is one. */
static bool
choose(enum dialect *out, const struct trial *trial, unsigned may,
    unsigned speaks)
{
	unsigned wanted[] = { may & speaks, may }, i, d;

	for (i = 0; i < count_of(wanted); i++)
		for (d = 0; d < DIALECTS; d++)
			if ((wanted[i] & (1u << d)) != 0 &&
			    question_can(trial, (enum dialect)d)) {
				*out = (enum dialect)d;
				return true;
			}
	return false;
}

static void
plan_capability(struct planning *p, const struct docket_target *target,
    const struct trial *trial, bool direct)
{
	bool required = (p->docket->requires & trial->capability) != 0;
	bool claimed = (target->supports & trial->capability) != 0;
	struct docket_entry e = { .trial = trial,
		.target = target,
		.direct = direct };
	unsigned may =
	    direct ? 1u << target->direct->dialect : p->docket->dialects;

	snprintf(e.name, sizeof(e.name), "%s", trial->name);
	if (!choose(&e.dialect, trial, may, target->dialects)) {
		skip(add(p, &e), "no-dialect");
		return;
	}
	if (required || claimed) {
		(void)add(p, &e);
		return;
	}
	if (direct || !target->stated || (trial->capability & REFUSABLE) == 0) {
		skip(add(p, &e), "not-claimed");
		return;
	}
	snprintf(e.name, sizeof(e.name), "without-%s", trial->name);
	e.expects = EXPECTS_NO_TARGET;
	(void)add(p, &e);
}

static void
plan_capabilities(struct planning *p, const struct docket_target *target,
    bool direct)
{
	size_t i;

	for (i = 0; i < TRIALS; i++) {
		const struct trial *trial = trial_get((enum trial_id)i);

		if (trial->capability != 0)
			plan_capability(p, target, trial, direct);
	}
}

static void
plan_plain(struct planning *p, const struct docket_target *target,
    enum trial_id id, enum dialect dialect)
{
	struct docket_entry e = { .trial = trial_get(id),
		.target = target,
		.dialect = dialect };

	snprintf(e.name, sizeof(e.name), "%s-%s", e.trial->name,
	    dialect_name(dialect));
	if (id == TRIAL_COUNT_TOKENS)
		snprintf(e.name, sizeof(e.name), "%s", e.trial->name);
	(void)add(p, &e);
}

static void
plan_routed(struct planning *p, const struct docket_target *target)
{
	unsigned d;

	for (d = 0; d < DIALECTS; d++) {
		if ((p->docket->dialects & (1u << d)) == 0)
			continue;
		plan_plain(p, target, TRIAL_TEXT, (enum dialect)d);
		plan_plain(p, target, TRIAL_STREAM, (enum dialect)d);
	}
	if ((p->docket->dialects & IN_MESSAGES) != 0)
		plan_plain(p, target, TRIAL_COUNT_TOKENS, DIALECT_MESSAGES);
	plan_capabilities(p, target, false);
}

static void
plan_direct(struct planning *p, const struct docket_target *target)
{
	static const enum trial_id plain[] = { TRIAL_TEXT, TRIAL_STREAM };
	size_t i;

	for (i = 0; i < count_of(plain); i++) {
		struct docket_entry e = { .trial = trial_get(plain[i]),
			.target = target,
			.direct = true,
			.dialect = target->direct->dialect };

		snprintf(e.name, sizeof(e.name), "%s-%s", e.trial->name,
		    dialect_name(e.dialect));
		(void)add(p, &e);
	}
	plan_capabilities(p, target, true);
}

static void
plan_target(struct planning *p, const struct docket_target *target)
{
	struct docket_entry e = { .trial = trial_get(TRIAL_TEXT),
		.target = target };

	if (p->wish->target != NULL && !slice_is(target->name, p->wish->target))
		return;
	if (!target->offered) {
		snprintf(e.name, sizeof(e.name), "%s", e.trial->name);
		skip(add(p, &e), "not-offered");
		return;
	}
	plan_routed(p, target);
	if (target->direct != NULL)
		plan_direct(p, target);
}

/* What has to be refused whatever the targets are. */
static void
plan_refusals(struct planning *p)
{
	static const struct {
		const char *name;
		enum docket_expects expects;
	} refusals[] = {
		{ "refuses-wrong-token", EXPECTS_UNAUTHORIZED },
		{ "refuses-unknown-group", EXPECTS_UNKNOWN_GROUP },
		{ "refuses-bad-json", EXPECTS_INVALID },
	};
	struct docket_entry e = { .trial = trial_get(TRIAL_TEXT) };
	size_t i;

	if (!choose(&e.dialect, e.trial, p->docket->dialects, IN_ANY))
		return;
	for (i = 0; i < count_of(refusals); i++) {
		snprintf(e.name, sizeof(e.name), "%s", refusals[i].name);
		e.expects = refusals[i].expects;
		(void)add(p, &e);
	}
}

bool
docket_read(struct docket *d, struct arena *arena,
    const struct json_value *root, const struct docket_wish *wish,
    struct buf *why)
{
	const struct json_value *group = find_group(root, wish->group, why);
	struct planning p = { .docket = d, .wish = wish, .arena = arena };
	size_t i;

	if (group == NULL)
		return false;
	*d = (struct docket){ .group = text_of(arena, group, "name"),
		.dialects = dialects_of(json_find(group, "dialects")),
		.requires = capabilities_of(json_find(group, "requires")) };
	d->targets =
	    read_targets(arena, json_find(group, "targets"), &d->targets_count);
	d->entries = arena_many(arena, struct docket_entry, ENTRIES_MAX);
	for (i = 0; i < d->targets_count; i++)
		plan_target(&p, &d->targets[i]);
	if (wish->target == NULL)
		plan_refusals(&p);
	if (d->count > 0)
		return true;
	buf_printf(why,
	    "group '%.*s' has nothing like that to try; see its targets in "
	    "the node's file\n",
	    SLICE_FMT(d->group));
	return false;
}

static const struct {
	int status;
	const char *error;
} refused[] = {
	[EXPECTS_NO_TARGET] = { 502, "no-eligible-target" },
	[EXPECTS_UNAUTHORIZED] = { 401, "unauthorized" },
	[EXPECTS_UNKNOWN_GROUP] = { 404, "unknown-group" },
	[EXPECTS_INVALID] = { 400, "invalid-request" },
};

/* Why it is not the refusal that was expected; "" when it is. */
static const char *
judge_refusal(const struct docket_entry *e, const struct errand_answer *a,
    int64_t attempts)
{
	if (a->status == 200)
		return "answered";
	if (a->status != refused[e->expects].status ||
	    strcmp(a->router_error, refused[e->expects].error) != 0)
		return NULL;
	if (e->expects != EXPECTS_NO_TARGET)
		return "";
	return attempts < 0 ? "no-row" : attempts == 0 ? "" : "called";
}

static const char *
judge_answer(const struct docket_entry *e, const struct errand_answer *a)
{
	const struct testimony_wish wish = { .trial = e->trial,
		.dialect = e->dialect,
		.body = a->body };

	return a->status == 200 ? testimony_judge(&wish) : NULL;
}

void
docket_judge(struct docket_entry *e, const struct errand_answer *a,
    int64_t attempts)
{
	const char *why = e->expects == EXPECTS_ANSWER
			      ? judge_answer(e, a)
			      : judge_refusal(e, a, attempts);

	e->us = a->us;
	if (!e->direct)
		snprintf(e->request, sizeof(e->request), "%s", a->request);
	if (why == NULL && a->status == 0)
		snprintf(e->why, sizeof(e->why), "%s", a->end);
	else if (why == NULL && !e->direct && a->router_error[0] != '\0')
		snprintf(e->why, sizeof(e->why), "%s", a->router_error);
	else if (why == NULL)
		snprintf(e->why, sizeof(e->why), "status-%d", a->status);
	else
		snprintf(e->why, sizeof(e->why), "%s", why);
	e->outcome = e->why[0] == '\0' ? OUTCOME_PASSED : OUTCOME_FAILED;
}

size_t
docket_counted(const struct docket *d, enum docket_outcome outcome)
{
	size_t i, n = 0;

	for (i = 0; i < d->count; i++)
		n += d->entries[i].outcome == outcome;
	return n;
}
