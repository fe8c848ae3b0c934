/*
 * A request's top level: a table of its keys.  Tools and instructions come
 * before `input`, which may add tools and set things anew, and `tool_choice`
 * comes last, since it names tools.
 */
#include "common/base/map.h"
#include "common/format/json.h"
#include "node/dialect/responses/asking.h"
#include "node/dialect/responses/responses.h"

static bool
truth(struct reading *r, const struct json_value *v, const char *key, bool *to)
{
	*to = v->type == JSON_TRUE;
	if (v->type != JSON_TRUE && v->type != JSON_FALSE)
		return reading_wrong(r, key, "must be true or false");
	return true;
}

static bool
read_stream(struct reading *r, const struct json_value *v)
{
	return truth(r, v, "stream", &r->turn->stream);
}

static bool
read_parallel(struct reading *r, const struct json_value *v)
{
	bool yes;

	if (!truth(r, v, "parallel_tool_calls", &yes))
		return false;
	r->turn->parallel = yes ? TO_YES : TO_NO;
	return true;
}

static bool
read_instructions(struct reading *r, const struct json_value *v)
{
	struct message *m;

	if (raw_inside(v->raw).len == 0)
		return true;
	m = turn_message(r->turn, TURN_SYSTEM);
	turn_part(r->turn, m, PART_TEXT)->text = v->raw;
	return true;
}

static bool
read_cap(struct reading *r, const struct json_value *v)
{
	r->turn->output_cap = number_of(v, 0);
	if (r->turn->output_cap < 1)
		return reading_wrong(r, "max_output_tokens",
		    "must be a whole number over 0");
	return true;
}

static bool
read_include(struct reading *r, const struct json_value *v)
{
	const struct json_value *one;

	for (one = reading_first(r, "include", v); one != NULL;
	     one = reading_next(r, one)) {
		if (one->type != JSON_STRING)
			return reading_wrong(r, NULL, "must be a string");
		if (value_is(one, "message.output_text.logprobs"))
			carry_note(&r->turn->carried, CARRY_LOGPROBS);
		else if (!value_is(one, "reasoning.encrypted_content"))
			carry_note(&r->turn->carried, CARRY_INCLUDE);
	}
	return true;
}

static bool
read_cache_options(struct reading *r, const struct json_value *v)
{
	const struct json_value *prewarm = json_find(v, "prewarm");

	if (v->count > 0)
		carry_note(&r->turn->carried, CARRY_CACHE_KEY);
	if (prewarm != NULL && prewarm->type == JSON_TRUE)
		carry_note(&r->turn->carried, CARRY_PREWARM);
	return true;
}

/* clang-format off */
static const struct reading_key keys[] = {
	/* The router's own, seen to before. */
	{ .name = "model", .read = reading_own },
	{ .name = "store", .read = reading_own },
	{ .name = "previous_response_id", .read = reading_own },
	{ .name = "conversation", .read = reading_own },
	{ .name = "background", .read = reading_own },
	{ .name = "prompt", .read = reading_own },

	{ .name = "stream", .read = read_stream },
	{ .name = "instructions", .type = JSON_STRING, .read = read_instructions },
	{ .name = "tools", .type = JSON_ARRAY, .read = asking_tools },
	{ .name = "parallel_tool_calls", .read = read_parallel },
	{ .name = "reasoning", .type = JSON_OBJECT, .read = asking_reasoning },
	{ .name = "text", .type = JSON_OBJECT, .read = asking_text },
	{ .name = "include", .type = JSON_ARRAY, .read = read_include },
	{ .name = "max_output_tokens", .read = read_cap },
	{ .name = "prompt_cache_options", .type = JSON_OBJECT, .read = read_cache_options },

	{ .name = "temperature", .type = JSON_NUMBER, .offset = READING_AT(temperature), .carry = CARRY_TEMPERATURE },
	{ .name = "top_p", .type = JSON_NUMBER, .offset = READING_AT(top_p), .carry = CARRY_TOP_P },
	{ .name = "top_logprobs", .type = JSON_NUMBER, .carry = CARRY_LOGPROBS, .plain = "0" },
	{ .name = "user", .type = JSON_STRING, .offset = READING_AT(user), .carry = CARRY_USER },
	{ .name = "safety_identifier", .type = JSON_STRING, .offset = READING_AT(user), .carry = CARRY_USER },
	{ .name = "metadata", .type = JSON_OBJECT, .offset = READING_AT(metadata), .carry = CARRY_METADATA, .plain = "{}" },
	{ .name = "service_tier", .type = JSON_STRING, .offset = READING_AT(service_tier), .carry = CARRY_SERVICE_TIER, .plain = "\"auto\"" },
	{ .name = "prompt_cache_key", .type = JSON_STRING, .offset = READING_AT(cache_key), .carry = CARRY_CACHE_KEY },
	{ .name = "prompt_cache_retention", .type = JSON_STRING, .carry = CARRY_CACHE_KEY },
	{ .name = "truncation", .type = JSON_STRING, .carry = CARRY_TRUNCATION, .plain = "\"disabled\"" },
	{ .name = "context_management", .type = JSON_ARRAY, .carry = CARRY_CONTEXT_EDITS, .plain = "[]" },
	{ .name = "max_tool_calls", .type = JSON_NUMBER, .carry = CARRY_MAX_TOOL_CALLS },
	{ .name = "client_metadata", .type = JSON_OBJECT, .carry = CARRY_CLIENT_METADATA, .plain = "{}" },
	{ .name = "stream_options", .type = JSON_OBJECT, .carry = CARRY_STREAM_OPTIONS, .plain = "{}" },
	{ .name = "moderation", .type = JSON_OBJECT, .carry = CARRY_MODERATION },

	{ .name = "input", .read = asking_input },
	{ .name = "tool_choice", .read = asking_choice },
};
/* clang-format on */

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
read_all(struct reading *r, const struct json_value *root)
{
	if (!reading_keys(r, root, keys, count_of(keys)))
		return false;
	if (raw_of(root, "input").len == 0)
		return reading_wrong(r, "input", "is missing");
	if (r->turn->messages == NULL && !has_unsaid(&r->turn->carried))
		return reading_wrong(r, "input", "has nothing to answer");
	return true;
}

bool
responses_read(struct turn *t, const struct json_value *root, const char **why)
{
	struct asking a = { .reading.turn = t };
	bool right;

	map_init(&a.calls);
	right = read_all(&a.reading, root);
	map_fini(&a.calls);
	*why = a.reading.why;
	if (right && goes_on(t))
		carry_note(&t->carried, CARRY_PREFILL);
	return right;
}
