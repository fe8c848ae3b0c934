#include "node/dialect/passage.h"

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/json.h"
#include "common/llm/allow.h"
#include "common/llm/drop.h"
#include "node/dialect/telling.h"

#define NAMES_MAX       4096
#define RESPONSES_CAP   16 /* the least that Responses takes */
#define THOUGHT_REMOVED "thinking"
#define HOSTED_DROPPED  "hosted_tools"

/* Who knows more of what the caller can say comes first. */
static const enum dialect nearest[DIALECTS][DIALECTS] = {
	[DIALECT_CHAT] = { DIALECT_CHAT, DIALECT_RESPONSES, DIALECT_MESSAGES },
	[DIALECT_RESPONSES] = { DIALECT_RESPONSES, DIALECT_CHAT,
	    DIALECT_MESSAGES },
	[DIALECT_MESSAGES] = { DIALECT_MESSAGES, DIALECT_RESPONSES,
	    DIALECT_CHAT },
};

bool
passage_dialect(enum dialect *out, unsigned dialects, enum dialect asks)
{
	size_t i;

	for (i = 0; i < DIALECTS; i++) {
		*out = nearest[asks][i];
		if ((dialects & (1u << *out)) != 0)
			return true;
	}
	return false;
}

static enum passage_end
refuse(struct passage *out, enum passage_end end, const char *why)
{
	out->why = why;
	return end;
}

/* Who may have them run, where they can be, keeps them. */
static bool
drops_hosted_tools(const struct passage *out, const struct passage_terms *terms)
{
	bool kept = terms->asks == out->target &&
		    (terms->allowed & ALLOW_HOSTED_TOOLS) != 0;

	return (terms->drop & DROP_HOSTED_TOOLS) != 0 && !kept;
}

/* What is the router's own in the body; also where it is written anew. */
static enum passage_end
own(struct passage *out, struct arena *arena, const struct json_value *root,
    const struct passage_terms *terms)
{
	bool same = terms->asks == out->target;
	const struct own_terms own = {
		.dialect = terms->asks,
		.operation = terms->operation,
		.model = terms->target.model,
		.output_cap = same ? terms->target.output_cap : 0,
		.cap_key = terms->target.cap_key,
		.stream = terms->stream,
		.usage_in_stream =
		    (terms->target.quirks & QUIRK_USAGE_IN_STREAM) != 0,
		.encrypted_reasoning = terms->target.reasons,
		.drop_hosted_tools = drops_hosted_tools(out, terms),
		.allowed = terms->allowed,
	};
	struct owned owned;

	switch (own_body(&owned, arena, root, &own)) {
	case OWN_INVALID:
		return refuse(out, PASSAGE_INVALID, owned.why);
	case OWN_NOT_ALLOWED:
		return refuse(out, PASSAGE_NOT_ALLOWED, owned.why);
	case OWN_DONE:
		break;
	}
	out->splice = owned.splice;
	if (terms->thoughts_removed && owned.dropped_hosted_tools)
		out->dropped = THOUGHT_REMOVED ", " HOSTED_DROPPED;
	else if (terms->thoughts_removed)
		out->dropped = THOUGHT_REMOVED;
	else if (owned.dropped_hosted_tools)
		out->dropped = HOSTED_DROPPED;
	return PASSAGE_OK;
}

/*
 * Reasoning that another target made means nothing to this one, nor what has
 * no blob that says who made it.
 */
static bool
remove_foreign(struct turn *t, const struct passage_terms *terms)
{
	struct message *m;
	struct part *p;
	bool removed = false;

	for (m = t->messages; m != NULL; m = m->next)
		for (p = m->parts; p != NULL; p = p->next) {
			if (p->kind != PART_THINKING)
				continue;
			if (p->blob.len > 0)
				p->blob_kind = terms->made(terms->arg, p->blob);
			if (p->blob_kind != BLOB_NONE)
				continue;
			p->blob = slice_make(NULL, 0);
			removed = true;
		}
	return removed;
}

static int64_t
cap_of(const struct turn *t, const struct passage_terms *terms)
{
	int64_t most = terms->target.output_cap;

	if (most == 0 || (t->output_cap > 0 && t->output_cap < most))
		return t->output_cap;
	return most;
}

/* A cap that the target's dialect cannot be told is refused, not sent. */
static enum passage_end
check_cap(struct passage *out, struct arena *arena, int64_t cap,
    const struct carry_target *limits)
{
	bool dropped = carry_has(&limits->beyond, CARRY_THINKING_BUDGET);
	int64_t budget = dropped ? 0 : out->turn->thinking_budget;

	if (out->target == DIALECT_RESPONSES && cap > 0 && cap < RESPONSES_CAP)
		return refuse(out, PASSAGE_INVALID,
		    arena_printf(arena,
			"The output cap of %lld tokens is less than the %d "
			"that this target takes.",
			(long long)cap, RESPONSES_CAP));
	if (out->target == DIALECT_MESSAGES && cap > 0 && budget >= cap)
		return refuse(out, PASSAGE_INVALID,
		    arena_printf(arena,
			"thinking.budget_tokens (%lld) must be less than the "
			"output cap (%lld).",
			(long long)budget, (long long)cap));
	return PASSAGE_OK;
}

static enum passage_end
check_carried(struct passage *out, struct arena *arena,
    const struct carry_target *target, unsigned drop)
{
	enum passage_end end = PASSAGE_OK;
	struct buf names;

	buf_init(&names, NAMES_MAX);
	if (!carry_fits(&out->turn->carried, target, drop, &names)) {
		out->why = arena_printf(arena,
		    "Its target speaks %s and cannot be told: %s. The group's "
		    "'drop' says what may be left out, the model's 'supports' "
		    "what it can do.",
		    dialect_name(out->target), buf_text(&names));
		end = PASSAGE_NOT_CARRIED;
	}
	buf_fini(&names);
	return end;
}

static void
name_dropped(struct passage *out, struct arena *arena,
    const struct carry_target *target, bool removed)
{
	struct buf names;

	buf_init(&names, NAMES_MAX);
	carry_dropped(&out->turn->carried, target, &names);
	if (removed && carry_how(CARRY_THOUGHTS, out->target) != CANNOT)
		buf_puts(&names,
		    names.len > 0 ? ", " THOUGHT_REMOVED : THOUGHT_REMOVED);
	out->dropped = arena_text(arena, buf_slice(&names));
	buf_fini(&names);
}

/* What any caller's face would note alike. */
static void
note_alike(struct turn *t)
{
	if (t->format == FORMAT_SCHEMA)
		carry_note(&t->carried, CARRY_JSON_SCHEMA);
	if (t->parallel == TO_NO)
		carry_note(&t->carried, CARRY_ONE_CALL);
}

/* Can all of it be said in out->target, but for what the group lets go? */
static enum passage_end
check(struct passage *out, struct arena *arena,
    const struct passage_terms *terms, struct carry_target *limits)
{
	struct target_terms target = terms->target;
	enum passage_end end;

	target.output_cap = cap_of(out->turn, terms);
	*limits = (struct carry_target){ .dialect = out->target };
	target_limits(&limits->beyond, out->target, out->turn, &target);
	end = check_carried(out, arena, limits, terms->drop);
	return end == PASSAGE_OK
		   ? check_cap(out, arena, target.output_cap, limits)
		   : end;
}

/*
 * Of the dialects that the target speaks the nearest that can be told all of
 * it; if there is none, it is the nearest that says why.
 */
static enum passage_end
choose(struct passage *out, struct arena *arena,
    const struct passage_terms *terms, struct carry_target *limits)
{
	const enum dialect first = out->target;
	enum passage_end end, first_end = PASSAGE_OK;
	const char *why = NULL;
	size_t i;

	for (i = 0; i < DIALECTS; i++) {
		out->target = nearest[terms->asks][i];
		if ((terms->dialects & (1u << out->target)) == 0)
			continue;
		end = check(out, arena, terms, limits);
		if (end == PASSAGE_OK)
			return end;
		if (out->target == first) {
			first_end = end;
			why = out->why;
		}
	}
	out->target = first;
	return refuse(out, first_end, why);
}

static enum passage_end
translate(struct passage *out, struct arena *arena,
    const struct passage_terms *terms)
{
	struct target_terms target = terms->target;
	struct carry_target limits;
	enum passage_end end;

	note_alike(out->turn);
	end = choose(out, arena, terms, &limits);
	if (end != PASSAGE_OK)
		return end;
	target.output_cap = cap_of(out->turn, terms);
	name_dropped(out, arena, &limits, remove_foreign(out->turn, terms));
	if (!target_write(&out->splice, out->target, out->turn, &target))
		return refuse(out, PASSAGE_INVALID,
		    "The request is too large to be said in its target's "
		    "dialect.");
	return PASSAGE_OK;
}

enum passage_end
passage_make(struct passage *out, struct arena *arena,
    const struct json_value *root, const struct passage_terms *terms)
{
	enum passage_end end;

	*out = (struct passage){ .dropped = "" };
	if (!passage_dialect(&out->target, terms->dialects, terms->asks))
		return refuse(out, PASSAGE_NOT_CARRIED,
		    "Its target speaks no dialect that is known here.");
	end = own(out, arena, root, terms);
	if (end != PASSAGE_OK ||
	    (terms->asks == out->target && terms->answers == out->target))
		return end;
	out->turn = arena_new(arena, struct turn);
	turn_init(out->turn, arena, terms->asks);
	if (!caller_face(terms->asks)->read(out->turn, root, &out->why))
		return PASSAGE_INVALID;
	return terms->asks == out->target ? PASSAGE_OK
					  : translate(out, arena, terms);
}
