#include "node/dialect/target.h"

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/weave.h"
#include "common/llm/own.h"

#define KEY_CHARS_MAX  64 /* that providers take */
#define KEY_HASH_BYTES 16

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

/* What models that reason refuse; of types with the quirk, if there is one. */
static const struct {
	enum carry carry;
	unsigned dialects, quirk;
} refused[] = {
	{ CARRY_TEMPERATURE, IN_RESPONSES, 0 },
	{ CARRY_TOP_P, IN_RESPONSES, 0 },
	{ CARRY_TEMPERATURE, IN_CHAT, QUIRK_FIXED_SAMPLING },
	{ CARRY_TOP_P, IN_CHAT, QUIRK_FIXED_SAMPLING },
};

void
target_limits(struct carry_list *beyond, enum dialect d, const struct turn *t,
    const struct target_terms *terms)
{
	size_t i;

	for (i = 0; i < count_of(wants); i++)
		if ((wants[i].dialects & (1u << d)) != 0 &&
		    ((wants[i].quirk & ~terms->quirks) != 0 ||
			(wants[i].reasons && !terms->reasons)))
			carry_note(beyond, wants[i].carry);
	for (i = 0; i < count_of(refused) && terms->reasons; i++)
		if ((refused[i].dialects & (1u << d)) != 0 &&
		    (refused[i].quirk & ~terms->quirks) == 0)
			carry_note(beyond, refused[i].carry);
	if (target_face(d)->limits != NULL)
		target_face(d)->limits(beyond, t, terms);
}

static void
print_dialects(struct buf *out, enum carry carry, unsigned dialects)
{
	const char *comma = " ";
	unsigned d;

	buf_printf(out, "| %s |", carry_name(carry));
	for (d = 0; d < DIALECTS; d++) {
		if ((dialects & (1u << d)) == 0)
			continue;
		buf_printf(out, "%s`%s`", comma, dialect_name((enum dialect)d));
		comma = ", ";
	}
}

void
target_print_limits(struct buf *out)
{
	size_t i;

	buf_puts(out, "| in a request | to | is told where the target has |\n"
		      "|---|---|---|\n");
	for (i = 0; i < count_of(wants); i++) {
		print_dialects(out, wants[i].carry, wants[i].dialects);
		if (wants[i].reasons)
			buf_puts(out,
			    " | a model that `supports` `reasoning` |\n");
		else
			buf_printf(out, " | a type with the quirk `%s` |\n",
			    quirk_name((size_t)__builtin_ctz(wants[i].quirk)));
	}
	for (i = 0; i < count_of(refused); i++) {
		print_dialects(out, refused[i].carry, refused[i].dialects);
		buf_printf(out, " | a model without `reasoning`%s |\n",
		    refused[i].quirk != 0 ? ", or a type without the quirk "
					    "`fixed_sampling`"
					  : "");
	}
}

bool
target_write(struct splice *out, enum dialect d, const struct turn *t,
    const struct target_terms *terms)
{
	struct weave w;
	bool fits;

	*out = (struct splice){ .changes = 0 };
	weave_init(&w);
	target_face(d)->write(&w, t, terms);
	fits = !w.fresh.failed;
	out->parts = weave_parts(&w, t->arena, &out->count, &out->bytes);
	weave_fini(&w);
	return fits;
}

static void
put_key(struct weave *w, const char *field, struct slice raw)
{
	char hex[2 * KEY_HASH_BYTES + 1];
	struct hash h;

	if (raw_inside(raw).len <= KEY_CHARS_MAX) {
		weave_field(w, field, raw);
		return;
	}
	h = hash_of(raw.ptr, raw.len);
	hex_write(hex, h.bytes, KEY_HASH_BYTES);
	json_field_text(&w->json, field, slice_of(hex));
}

void
target_put_labels(struct weave *w, const struct turn *t)
{
	put_key(w, "user", t->user);
	put_key(w, "prompt_cache_key", t->cache_key);
	weave_field(w, "service_tier",
	    raw_is(t->service_tier, "standard_only") ? slice_of("\"default\"")
						     : t->service_tier);
}
