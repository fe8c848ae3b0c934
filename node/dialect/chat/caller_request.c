#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/chat/chat.h"
#include "node/dialect/reading.h"

static bool read_parallel(struct reading *r, const struct json_value *v);
static bool read_stop(struct reading *r, const struct json_value *v);
static bool read_format(struct reading *r, const struct json_value *v);
static bool read_effort(struct reading *r, const struct json_value *v);
static bool read_reasoning(struct reading *r, const struct json_value *v);
static bool read_cap(struct reading *r, const struct json_value *v);
static bool read_stream(struct reading *r, const struct json_value *v);
static bool read_options(struct reading *r, const struct json_value *v);
static bool read_n(struct reading *r, const struct json_value *v);
static bool read_logprobs(struct reading *r, const struct json_value *v);
static bool read_modalities(struct reading *r, const struct json_value *v);

/* clang-format off */
static const struct reading_key keys[] = {
	{ .name = "tools", .type = JSON_ARRAY, .read = chat_read_tools },
	{ .name = "functions", .read = chat_read_functions, .plain = "[]" },
	{ .name = "model", .read = reading_own },
	{ .name = "store", .read = reading_own },
	{ .name = "tool_choice", .read = chat_read_choice },
	{ .name = "function_call", .read = chat_read_call },
	{ .name = "parallel_tool_calls", .read = read_parallel },
	{ .name = "stop", .read = read_stop, .plain = "[]" },
	{ .name = "response_format", .read = read_format },
	{ .name = "reasoning_effort", .read = read_effort },
	{ .name = "reasoning", .read = read_reasoning },
	{ .name = "max_tokens", .read = read_cap },
	{ .name = "max_completion_tokens", .read = read_cap },
	{ .name = "stream", .read = read_stream },
	{ .name = "stream_options", .read = read_options },
	{ .name = "n", .read = read_n },
	{ .name = "temperature", .type = JSON_NUMBER, .offset = READING_AT(temperature), .carry = CARRY_TEMPERATURE },
	{ .name = "top_p", .type = JSON_NUMBER, .offset = READING_AT(top_p), .carry = CARRY_TOP_P },
	{ .name = "top_k", .type = JSON_NUMBER, .offset = READING_AT(top_k), .carry = CARRY_TOP_K },
	{ .name = "seed", .type = JSON_NUMBER, .offset = READING_AT(seed), .carry = CARRY_SEED },
	{ .name = "presence_penalty", .type = JSON_NUMBER, .offset = READING_AT(presence_penalty), .carry = CARRY_PENALTIES, .plain = "0" },
	{ .name = "frequency_penalty", .type = JSON_NUMBER, .offset = READING_AT(frequency_penalty), .carry = CARRY_PENALTIES, .plain = "0" },
	{ .name = "logit_bias", .type = JSON_OBJECT, .offset = READING_AT(logit_bias), .carry = CARRY_LOGIT_BIAS, .plain = "{}" },
	{ .name = "logprobs", .read = read_logprobs },
	{ .name = "top_logprobs", .type = JSON_NUMBER, .offset = READING_AT(top_logprobs), .carry = CARRY_LOGPROBS, .plain = "0" },
	{ .name = "user", .type = JSON_STRING, .offset = READING_AT(user), .carry = CARRY_USER },
	{ .name = "safety_identifier", .type = JSON_STRING, .offset = READING_AT(user), .carry = CARRY_USER },
	{ .name = "metadata", .type = JSON_OBJECT, .offset = READING_AT(metadata), .carry = CARRY_METADATA, .plain = "{}" },
	{ .name = "service_tier", .type = JSON_STRING, .offset = READING_AT(service_tier), .carry = CARRY_SERVICE_TIER },
	{ .name = "verbosity", .type = JSON_STRING, .offset = READING_AT(verbosity), .carry = CARRY_VERBOSITY, .plain = "\"medium\"" },
	{ .name = "prompt_cache_key", .type = JSON_STRING, .offset = READING_AT(cache_key), .carry = CARRY_CACHE_KEY },
	{ .name = "prompt_cache_options", .carry = CARRY_CACHE_KEY, .plain = "{}" },
	{ .name = "prompt_cache_retention", .carry = CARRY_CACHE_KEY },
	{ .name = "prediction", .carry = CARRY_PREDICTION },
	{ .name = "moderation", .carry = CARRY_MODERATION },
	{ .name = "modalities", .read = read_modalities },
	{ .name = "audio", .carry = CARRY_AUDIO },
	{ .name = "web_search_options", .carry = CARRY_HOSTED_TOOLS },
	{ .name = "messages", .type = JSON_ARRAY, .read = chat_read_messages },
};
/* clang-format on */

bool
chat_read(struct turn *t, const struct json_value *root, const char **why)
{
	struct reading r = { .turn = t };

	if (!reading_keys(&r, root, keys, count_of(keys))) {
		*why = r.why;
		return false;
	}
	if (t->last != NULL && t->last->role == TURN_ASSISTANT)
		carry_note(&t->carried, CARRY_PREFILL);
	return true;
}

static bool
read_parallel(struct reading *r, const struct json_value *v)
{
	r->turn->parallel = v->type == JSON_FALSE ? TO_NO : TO_YES;
	return true;
}

static bool
read_stop(struct reading *r, const struct json_value *v)
{
	struct json_value only = *v;

	only.next = NULL;
	if (v->type == JSON_STRING)
		return reading_stops(r, "stop",
		    &(struct json_value){ .first = &only, .count = 1 });
	if (v->type != JSON_ARRAY)
		return reading_wrong(r, "stop",
		    "must be a string or an array of them");
	return reading_stops(r, "stop", v);
}

static bool
read_format(struct reading *r, const struct json_value *v)
{
	const struct json_value *type = json_find(v, "type");
	const struct json_value *schema = json_find(v, "json_schema");
	struct turn *t = r->turn;

	if (value_is(type, "json_object")) {
		t->format = FORMAT_JSON;
		carry_note(&t->carried, CARRY_JSON_OBJECT);
	} else if (value_is(type, "json_schema")) {
		t->format = FORMAT_SCHEMA;
		t->format_name = raw_of(schema, "name");
		t->format_schema = raw_of(schema, "schema");
		t->format_strict = raw_of(schema, "strict");
		t->format_description = raw_of(schema, "description");
	} else if (!value_is(type, "text")) {
		return reading_wrong(r, "response_format.type",
		    "must be text, json_object or json_schema");
	}
	return true;
}

static bool
read_effort(struct reading *r, const struct json_value *v)
{
	carry_note(&r->turn->carried, CARRY_EFFORT);
	r->turn->effort = effort_by_name(inside_of(v));
	return r->turn->effort != EFFORT_UNSET ||
	       reading_wrong(r, "reasoning_effort",
		   "must be none, minimal, low, medium, high, xhigh or max");
}

/* OpenRouter's: {effort, max_tokens, exclude, enabled}. */
static bool
read_reasoning(struct reading *r, const struct json_value *v)
{
	const struct json_value *effort = json_find(v, "effort");
	struct turn *t = r->turn;

	carry_note(&t->carried, CARRY_EFFORT);
	t->thinking_budget = number_of(json_find(v, "max_tokens"), 0);
	if (t->thinking_budget > 0)
		carry_note(&t->carried, CARRY_THINKING_BUDGET);
	if (effort != NULL && effort->type == JSON_STRING)
		return read_effort(r, effort);
	return true;
}

/* Both fields mean the same; of two, the smaller holds. */
static bool
read_cap(struct reading *r, const struct json_value *v)
{
	int64_t cap = number_of(v, 0), before = r->turn->output_cap;

	if (cap < 1)
		return reading_wrong(r, "max_tokens",
		    "must be a positive integer");
	r->turn->output_cap = before > 0 ? min_i64(before, cap) : cap;
	return true;
}

static bool
read_stream(struct reading *r, const struct json_value *v)
{
	r->turn->stream = v->type == JSON_TRUE;
	return true;
}

/* Usage is always asked for and shown to who asked. */
static bool
read_options(struct reading *r, const struct json_value *v)
{
	const struct json_value *option;

	for (option = v->first; option != NULL; option = option->next)
		if (!slice_is(option->name, "include_usage"))
			carry_note(&r->turn->carried, CARRY_STREAM_OPTIONS);
	return true;
}

static bool
read_n(struct reading *r, const struct json_value *v)
{
	if (number_of(v, 1) != 1)
		carry_note(&r->turn->carried, CARRY_CHOICES);
	return true;
}

static bool
read_logprobs(struct reading *r, const struct json_value *v)
{
	if (v->type == JSON_FALSE)
		return true;
	r->turn->logprobs = v->raw;
	carry_note(&r->turn->carried, CARRY_LOGPROBS);
	return true;
}

static bool
read_modalities(struct reading *r, const struct json_value *v)
{
	const struct json_value *m;

	for (m = v->first; m != NULL; m = m->next)
		if (!value_is(m, "text"))
			carry_note(&r->turn->carried, CARRY_AUDIO);
	return true;
}
