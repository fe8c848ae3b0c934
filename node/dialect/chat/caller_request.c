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

static const struct reading_key keys[] = {
	{ "tools", chat_read_tools, READING_NOWHERE, READING_NOTHING },
	{ "functions", chat_read_functions, READING_NOWHERE,
	    CARRY_LEGACY_FUNCTIONS },
	{ "model", NULL, READING_NOWHERE, READING_NOTHING },
	{ "store", NULL, READING_NOWHERE, READING_NOTHING },
	{ "tool_choice", chat_read_choice, READING_NOWHERE, READING_NOTHING },
	{ "function_call", chat_read_choice, READING_NOWHERE,
	    CARRY_LEGACY_FUNCTIONS },
	{ "parallel_tool_calls", read_parallel, READING_NOWHERE,
	    READING_NOTHING },
	{ "stop", read_stop, READING_NOWHERE, CARRY_STOP },
	{ "response_format", read_format, READING_NOWHERE, READING_NOTHING },
	{ "reasoning_effort", read_effort, READING_NOWHERE, CARRY_EFFORT },
	{ "reasoning", read_reasoning, READING_NOWHERE, READING_NOTHING },
	{ "max_tokens", read_cap, READING_NOWHERE, READING_NOTHING },
	{ "max_completion_tokens", read_cap, READING_NOWHERE, READING_NOTHING },
	{ "stream", read_stream, READING_NOWHERE, READING_NOTHING },
	{ "stream_options", read_options, READING_NOWHERE, READING_NOTHING },
	{ "n", read_n, READING_NOWHERE, READING_NOTHING },
	{ "temperature", NULL, READING_AT(temperature), CARRY_TEMPERATURE },
	{ "top_p", NULL, READING_AT(top_p), CARRY_TOP_P },
	{ "top_k", NULL, READING_AT(top_k), CARRY_TOP_K },
	{ "seed", NULL, READING_AT(seed), CARRY_SEED },
	{ "presence_penalty", NULL, READING_AT(presence_penalty),
	    CARRY_PENALTIES },
	{ "frequency_penalty", NULL, READING_AT(frequency_penalty),
	    CARRY_PENALTIES },
	{ "logit_bias", NULL, READING_AT(logit_bias), CARRY_LOGIT_BIAS },
	{ "logprobs", read_logprobs, READING_NOWHERE, READING_NOTHING },
	{ "top_logprobs", NULL, READING_AT(top_logprobs), CARRY_LOGPROBS },
	{ "user", NULL, READING_AT(user), CARRY_USER },
	{ "safety_identifier", NULL, READING_AT(user), CARRY_USER },
	{ "metadata", NULL, READING_AT(metadata), CARRY_METADATA },
	{ "service_tier", NULL, READING_AT(service_tier), CARRY_SERVICE_TIER },
	{ "verbosity", NULL, READING_AT(verbosity), CARRY_VERBOSITY },
	{ "prompt_cache_key", NULL, READING_AT(cache_key), CARRY_CACHE_KEY },
	{ "prompt_cache_options", NULL, READING_NOWHERE, CARRY_CACHE_KEY },
	{ "prompt_cache_retention", NULL, READING_NOWHERE, CARRY_CACHE_KEY },
	{ "prediction", NULL, READING_NOWHERE, CARRY_PREDICTION },
	{ "moderation", NULL, READING_NOWHERE, CARRY_MODERATION },
	{ "modalities", read_modalities, READING_NOWHERE, READING_NOTHING },
	{ "audio", NULL, READING_NOWHERE, CARRY_AUDIO },
	{ "web_search_options", NULL, READING_NOWHERE, CARRY_HOSTED_TOOLS },
	{ "messages", chat_read_messages, READING_NOWHERE, READING_NOTHING },
};

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
	struct turn *t = r->turn;
	const struct json_value *s;
	struct slice *stops;

	if (v->type == JSON_STRING) {
		stops = arena_new(t->arena, struct slice);
		*stops = v->raw;
		t->stops = stops;
		t->stops_count = 1;
		return true;
	}
	if (v->type != JSON_ARRAY)
		return reading_refuse(r,
		    "stop must be a string or an array of them");
	stops = arena_many(t->arena, struct slice, v->count);
	for (s = v->first; s != NULL; s = s->next) {
		if (s->type != JSON_STRING)
			return reading_refuse(r, "stop must hold strings");
		stops[t->stops_count++] = s->raw;
	}
	t->stops = stops;
	return true;
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
		return reading_refuse(r, "response_format.type must be text, "
					 "json_object or json_schema");
	}
	return true;
}

static bool
read_effort(struct reading *r, const struct json_value *v)
{
	r->turn->effort = effort_by_name(inside_of(v));
	return r->turn->effort != EFFORT_UNSET ||
	       reading_refuse(r,
		   "reasoning_effort must be none, minimal, low, medium, "
		   "high, xhigh or max");
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
		return reading_refuse(r,
		    "max_tokens must be a positive integer");
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
