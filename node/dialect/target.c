#include "node/dialect/target.h"

#include "common/base/buf.h"
#include "common/format/weave.h"
#include "common/llm/own.h"

const struct target_face *
target_face(enum dialect d)
{
	static const struct target_face *const faces[DIALECTS] = {
		[DIALECT_CHAT] = &chat_target,
		[DIALECT_RESPONSES] = &responses_target,
		[DIALECT_MESSAGES] = &messages_target,
	};

	return faces[d];
}

/* What each of these wants of the target. */
static const struct {
	enum carry carry;
	unsigned dialects; /* where it is wanted */
	unsigned quirk;    /* of the provider's type; 0: none */
	bool reasons;      /* a model that does */
} wants[] = {
	{ CARRY_EFFORT, IN_ANY, 0, true },
	{ CARRY_EFFORT, IN_CHAT, QUIRK_REASONING_EFFORT, false },
	{ CARRY_THINKING_BUDGET, IN_ANY, 0, true },
	{ CARRY_THOUGHTS_SHOWN, IN_ANY, 0, true },
	{ CARRY_JSON_SCHEMA, IN_CHAT, QUIRK_JSON_SCHEMA, false },
	{ CARRY_ONE_CALL, IN_CHAT, QUIRK_PARALLEL_FLAG, false },
	{ CARRY_USER, IN_CHAT, QUIRK_OPENAI_FIELDS, false },
	{ CARRY_VERBOSITY, IN_CHAT, QUIRK_OPENAI_FIELDS, false },
	{ CARRY_CACHE_KEY, IN_CHAT, QUIRK_OPENAI_FIELDS, false },
	{ CARRY_SERVICE_TIER, IN_CHAT, QUIRK_OPENAI_FIELDS, false },
};

void
target_limits(struct carry_list *beyond, enum dialect d,
    const struct target_terms *terms)
{
	size_t i;

	for (i = 0; i < count_of(wants); i++)
		if ((wants[i].dialects & (1u << d)) != 0 &&
		    ((wants[i].quirk & ~terms->quirks) != 0 ||
			(wants[i].reasons && !terms->reasons)))
			carry_note(beyond, wants[i].carry);
}

void
target_print_limits(struct buf *out)
{
	const char *comma;
	unsigned d;
	size_t i;

	buf_puts(out, "| in a request | to | is told where the target has |\n"
		      "|---|---|---|\n");
	for (i = 0; i < count_of(wants); i++) {
		buf_printf(out, "| %s |", carry_name(wants[i].carry));
		for (d = 0, comma = " "; d < DIALECTS; d++) {
			if ((wants[i].dialects & (1u << d)) == 0)
				continue;
			buf_printf(out, "%s`%s`", comma,
			    dialect_name((enum dialect)d));
			comma = ", ";
		}
		if (wants[i].reasons)
			buf_puts(out, " | a model that `supports` `reasoning`");
		else
			buf_printf(out, " | a type with the quirk `%s`",
			    quirk_name((size_t)__builtin_ctz(wants[i].quirk)));
		buf_puts(out, " |\n");
	}
}

void
target_write(struct splice *out, enum dialect d, const struct turn *t,
    const struct target_terms *terms)
{
	struct weave w;

	*out = (struct splice){ .changes = 0 };
	weave_init(&w);
	target_face(d)->write(&w, t, terms);
	out->parts = weave_parts(&w, t->arena, &out->count, &out->bytes);
	weave_fini(&w);
}
