/*
 * A request's top level: a table of its keys.  Tools and instructions come
 * before `input`, which may add tools and set things anew, and `tool_choice`
 * comes last, since it names tools.
 */
#include "common/base/map.h"
#include "common/format/json.h"
#include "node/dialect/responses/asking.h"
#include "node/dialect/responses/responses.h"

enum pass { FIRST, INPUT, CHOICE, PASSES };

#define UNNOTED CARRY_COUNT

struct field {
	const char *key;
	enum pass pass;
	/* With a reader: all is its. */
	bool (*read)(struct asking *a, const struct json_value *v);
	/* Else: of this type, kept raw at this offset of the turn (0: not
	 * kept), and noted unless it is what is meant without it. */
	enum json_type type;
	size_t at;
	enum carry carry;
	const char *otherwise; /* raw, or NULL */
};

static bool
read_own(struct asking *a, const struct json_value *v)
{
	(void)a;
	(void)v;
	return true;
}

static bool
truth(const struct asking *a, const struct json_value *v, const char *key,
    bool *to)
{
	*to = v->type == JSON_TRUE;
	if (v->type != JSON_TRUE && v->type != JSON_FALSE)
		return asking_wrong(a, key, "must be true or false");
	return true;
}

static bool
read_stream(struct asking *a, const struct json_value *v)
{
	return truth(a, v, "stream", &a->t->stream);
}

static bool
read_parallel(struct asking *a, const struct json_value *v)
{
	bool yes;

	if (!truth(a, v, "parallel_tool_calls", &yes))
		return false;
	a->t->parallel = yes ? TO_YES : TO_NO;
	return true;
}

static bool
read_instructions(struct asking *a, const struct json_value *v)
{
	struct message *m;

	if (v->type != JSON_STRING)
		return asking_wrong(a, "instructions", "must be a string");
	if (raw_inside(v->raw).len == 0)
		return true;
	m = turn_message(a->t, TURN_SYSTEM);
	turn_part(a->t, m, PART_TEXT)->text = v->raw;
	return true;
}

static bool
read_cap(struct asking *a, const struct json_value *v)
{
	a->t->output_cap = number_of(v, 0);
	if (a->t->output_cap < 1)
		return asking_wrong(a, "max_output_tokens",
		    "must be a whole number over 0");
	return true;
}

static bool
read_include(struct asking *a, const struct json_value *v)
{
	const struct json_value *one;

	if (v->type != JSON_ARRAY)
		return asking_wrong(a, "include", "must be an array");
	for (one = v->first; one != NULL; one = one->next) {
		if (one->type != JSON_STRING)
			return asking_wrong(a, "include",
			    "must be an array of strings");
		if (value_is(one, "message.output_text.logprobs"))
			carry_note(&a->t->carried, CARRY_LOGPROBS);
		else if (!value_is(one, "reasoning.encrypted_content"))
			carry_note(&a->t->carried, CARRY_INCLUDE);
	}
	return true;
}

static bool
read_cache_options(struct asking *a, const struct json_value *v)
{
	const struct json_value *prewarm = json_find(v, "prewarm");

	if (v->type != JSON_OBJECT)
		return asking_wrong(a, "prompt_cache_options",
		    "must be an object");
	if (v->count > 0)
		carry_note(&a->t->carried, CARRY_CACHE_KEY);
	if (prewarm != NULL && prewarm->type == JSON_TRUE)
		carry_note(&a->t->carried, CARRY_PREWARM);
	return true;
}

static bool
read_tools(struct asking *a, const struct json_value *v)
{
	struct asking there = *a;

	there.list = "tools";
	if (v->type != JSON_ARRAY)
		return asking_wrong(a, "tools", "must be an array");
	return asking_tools(&there, v);
}

/* clang-format off */
static const struct field fields[] = {
	/* The router's own, seen to before. */
	{ .key = "model", .read = read_own },
	{ .key = "store", .read = read_own },
	{ .key = "previous_response_id", .read = read_own },
	{ .key = "conversation", .read = read_own },
	{ .key = "background", .read = read_own },
	{ .key = "prompt", .read = read_own },

	{ .key = "stream", .read = read_stream },
	{ .key = "instructions", .read = read_instructions },
	{ .key = "tools", .read = read_tools },
	{ .key = "input", .pass = INPUT, .read = asking_input },
	{ .key = "tool_choice", .pass = CHOICE, .read = asking_choice },
	{ .key = "parallel_tool_calls", .read = read_parallel },
	{ .key = "reasoning", .read = asking_reasoning },
	{ .key = "text", .read = asking_text },
	{ .key = "include", .read = read_include },
	{ .key = "max_output_tokens", .read = read_cap },
	{ .key = "prompt_cache_options", .read = read_cache_options },

	{ .key = "temperature", .type = JSON_NUMBER, .at = offsetof(struct turn, temperature), .carry = CARRY_TEMPERATURE },
	{ .key = "top_p", .type = JSON_NUMBER, .at = offsetof(struct turn, top_p), .carry = CARRY_TOP_P },
	{ .key = "top_logprobs", .type = JSON_NUMBER, .carry = CARRY_LOGPROBS, .otherwise = "0" },
	{ .key = "user", .type = JSON_STRING, .at = offsetof(struct turn, user), .carry = CARRY_USER },
	{ .key = "safety_identifier", .type = JSON_STRING, .at = offsetof(struct turn, user), .carry = CARRY_USER },
	{ .key = "metadata", .type = JSON_OBJECT, .at = offsetof(struct turn, metadata), .carry = CARRY_METADATA, .otherwise = "{}" },
	{ .key = "service_tier", .type = JSON_STRING, .at = offsetof(struct turn, service_tier), .carry = CARRY_SERVICE_TIER, .otherwise = "\"auto\"" },
	{ .key = "prompt_cache_key", .type = JSON_STRING, .at = offsetof(struct turn, cache_key), .carry = CARRY_CACHE_KEY },
	{ .key = "prompt_cache_retention", .type = JSON_STRING, .carry = CARRY_CACHE_KEY },
	{ .key = "truncation", .type = JSON_STRING, .carry = CARRY_TRUNCATION, .otherwise = "\"disabled\"" },
	{ .key = "context_management", .type = JSON_ARRAY, .carry = CARRY_CONTEXT_EDITS, .otherwise = "[]" },
	{ .key = "max_tool_calls", .type = JSON_NUMBER, .carry = CARRY_MAX_TOOL_CALLS },
	{ .key = "client_metadata", .type = JSON_OBJECT, .carry = CARRY_CLIENT_METADATA, .otherwise = "{}" },
	{ .key = "stream_options", .type = JSON_OBJECT, .carry = CARRY_STREAM_OPTIONS, .otherwise = "{}" },
	{ .key = "moderation", .type = JSON_OBJECT, .carry = CARRY_MODERATION },
};
/* clang-format on */

static const char *const must_be[] = {
	[JSON_NUMBER] = "must be a number",
	[JSON_STRING] = "must be a string",
	[JSON_ARRAY] = "must be an array",
	[JSON_OBJECT] = "must be an object",
};

static const struct field *
field_of(struct slice name)
{
	size_t i;

	for (i = 0; i < count_of(fields); i++)
		if (slice_is(name, fields[i].key))
			return &fields[i];
	return NULL;
}

static bool
read_plain(struct asking *a, const struct field *f, const struct json_value *v)
{
	if (v->type != f->type)
		return asking_wrong(a, f->key, must_be[f->type]);
	if (f->otherwise != NULL && slice_is(v->raw, f->otherwise))
		return true;
	carry_note(&a->t->carried, f->carry);
	if (f->at != 0)
		*(struct slice *)(void *)((char *)a->t + f->at) = v->raw;
	return true;
}

static bool
read_fields(struct asking *a, const struct json_value *root, enum pass pass)
{
	const struct json_value *v;
	const struct field *f;

	for (v = root->first; v != NULL; v = v->next) {
		if (v->type == JSON_NULL)
			continue;
		f = field_of(v->name);
		if (f == NULL && pass == FIRST)
			carry_note_unknown(&a->t->carried, v->name);
		if (f == NULL || f->pass != pass)
			continue;
		if (!(f->read != NULL ? f->read(a, v) : read_plain(a, f, v)))
			return false;
	}
	return true;
}

/* Does the conversation end with words of the assistant? */
static bool
goes_on(const struct turn *t)
{
	const struct part *p;

	if (t->last == NULL || t->last->role != TURN_ASSISTANT)
		return false;
	for (p = t->last->parts; p != NULL && p->next != NULL; p = p->next)
		;
	return p != NULL && p->kind == PART_TEXT;
}

/* What no translation can say is refused for that, and by its name. */
static bool
has_unsaid(const struct carry_list *l)
{
	return carry_has(l, CARRY_FILE_IDS) || carry_has(l, CARRY_AUDIO) ||
	       carry_has(l, CARRY_COMPACTION) ||
	       carry_has(l, CARRY_UNKNOWN_ITEMS);
}

static bool
read_passes(struct asking *a, const struct json_value *root)
{
	unsigned pass;

	if (root->type != JSON_OBJECT)
		return asking_wrong(a, "the body", "must be an object");
	if (raw_of(root, "input").len == 0)
		return asking_wrong(a, "input", "is missing");
	for (pass = FIRST; pass < PASSES; pass++)
		if (!read_fields(a, root, (enum pass)pass))
			return false;
	if (a->t->messages == NULL && !has_unsaid(&a->t->carried))
		return asking_wrong(a, "input", "has nothing to answer");
	return true;
}

bool
responses_read(struct turn *t, const struct json_value *root, const char **why)
{
	struct map calls;
	bool right;

	map_init(&calls);
	right =
	    read_passes(&(struct asking){ .t = t, .why = why, .calls = &calls },
		root);
	map_fini(&calls);
	if (right && goes_on(t))
		carry_note(&t->carried, CARRY_PREFILL);
	return right;
}
