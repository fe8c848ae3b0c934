#include "common/llm/shape.h"

#include "common/format/json.h"
#include "common/llm/estimate.h"
#include "common/llm/look.h"

#define CHOICES_MAX 128
#define MODEL_WHY   "model must be a string that names a model group"

/* The keys that are read; those that are null count as absent. */
#define KEYS(KEY)                                                              \
	KEY(MODEL, "model")                                                    \
	KEY(MESSAGES, "messages")                                              \
	KEY(INPUT, "input")                                                    \
	KEY(STREAM, "stream")                                                  \
	KEY(STREAM_OPTIONS, "stream_options")                                  \
	KEY(MAX_TOKENS, "max_tokens")                                          \
	KEY(MAX_COMPLETION_TOKENS, "max_completion_tokens")                    \
	KEY(MAX_OUTPUT_TOKENS, "max_output_tokens")                            \
	KEY(N, "n")                                                            \
	KEY(TOOLS, "tools")                                                    \
	KEY(FUNCTIONS, "functions")                                            \
	KEY(FUNCTION_CALL, "function_call")                                    \
	KEY(WEB_SEARCH_OPTIONS, "web_search_options")                          \
	KEY(MCP_SERVERS, "mcp_servers")                                        \
	KEY(PARALLEL_TOOL_CALLS, "parallel_tool_calls")                        \
	KEY(RESPONSE_FORMAT, "response_format")                                \
	KEY(TEXT, "text")                                                      \
	KEY(OUTPUT_CONFIG, "output_config")                                    \
	KEY(OUTPUT_FORMAT, "output_format")                                    \
	KEY(REASONING_EFFORT, "reasoning_effort")                              \
	KEY(REASONING, "reasoning")                                            \
	KEY(THINKING, "thinking")                                              \
	KEY(PREVIOUS_RESPONSE_ID, "previous_response_id")                      \
	KEY(CONVERSATION, "conversation")                                      \
	KEY(STORE, "store")

enum key {
#define KEY(name, text) KEY_##name,
	KEYS(KEY)
#undef KEY
	    KEY_COUNT
};

static const struct slice keys[KEY_COUNT] = {
#define KEY(name, text) { text, sizeof(text) - 1 },
	KEYS(KEY)
#undef KEY
};

struct reading {
	struct shape *shape;
	struct arena *arena;
	const struct json_value *at[KEY_COUNT]; /* NULL: absent or null */
	const char *why;
};

static bool
fails(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

/* The member, or NULL when it is not there or null. */
static const struct json_value *
find(const struct json_value *object, const char *name)
{
	const struct json_value *v = json_find(object, name);

	return v != NULL && v->type != JSON_NULL ? v : NULL;
}

static bool
is_word(const struct json_value *v, const char *word)
{
	char room[JSON_WORD_MAX];

	return slice_is(json_word(v, room), word);
}

/* True when it may be taken for what it should be. */
static bool
read_bool(const struct json_value *v, bool *value)
{
	*value = v != NULL && v->type == JSON_TRUE;
	return v == NULL || v->type == JSON_TRUE || v->type == JSON_FALSE;
}

/* An integer from least to most, if it is there; else *value stays. */
static bool
read_count(const struct json_value *v, int64_t least, int64_t most,
    int64_t *value)
{
	int64_t n;

	if (v == NULL)
		return true;
	if (!json_int(v, &n) || n < least || n > most)
		return false;
	*value = n;
	return true;
}

/* Tokens that a provider may be asked for at most. */
static bool
read_tokens(const struct json_value *v, int64_t least, int64_t *value)
{
	if (!read_count(v, least, INT64_MAX, value))
		return false;
	*value = min_i64(*value, OUTPUT_TOKENS_MAX);
	return true;
}

/* An array of nothing but objects, or nothing. */
static bool
is_list(const struct json_value *v)
{
	const struct json_value *child;

	if (v == NULL)
		return true;
	if (v->type != JSON_ARRAY)
		return false;
	for (child = v->first; child != NULL; child = child->next)
		if (child->type != JSON_OBJECT)
			return false;
	return true;
}

static bool
read_model(struct reading *r)
{
	const struct json_value *model = r->at[KEY_MODEL];
	struct shape *shape = r->shape;

	if (model == NULL || model->raw.len > MODEL_BYTES_MAX ||
	    !json_text(model, r->arena, &shape->model) || shape->model.len == 0)
		return fails(r, MODEL_WHY);
	return true;
}

static bool
read_stream(struct reading *r)
{
	const struct json_value *options = r->at[KEY_STREAM_OPTIONS];
	bool *usage = &r->shape->wants_usage;

	if (!read_bool(r->at[KEY_STREAM], &r->shape->stream))
		return fails(r, "stream must be true or false");
	*usage = r->shape->dialect != DIALECT_CHAT;
	if (*usage || options == NULL)
		return true;
	if (options->type != JSON_OBJECT)
		return fails(r, "stream_options must be an object");
	if (!read_bool(find(options, "include_usage"), usage))
		return fails(r, "stream_options.include_usage must be true or "
				"false");
	return true;
}

static bool
read_tools(struct reading *r, const struct json_value *root)
{
	struct shape *shape = r->shape;
	struct tool_choice choice;
	bool parallel;

	if (!is_list(r->at[KEY_TOOLS]))
		return fails(r, "tools must be an array of objects");
	if (!is_list(r->at[KEY_FUNCTIONS]))
		return fails(r, "functions must be an array of objects");
	if (!tool_choice_read(&choice, root, shape->dialect))
		return fails(r,
		    shape->dialect == DIALECT_MESSAGES
			? "tool_choice must be an object"
			: "tool_choice must be a string or an object");
	if (!read_bool(r->at[KEY_PARALLEL_TOOL_CALLS], &parallel))
		return fails(r, "parallel_tool_calls must be true or false");
	shape->forced_tool = choice.mode == CHOICE_ANY ||
			     choice.mode == CHOICE_NAMED ||
			     (r->at[KEY_FUNCTION_CALL] != NULL &&
				 r->at[KEY_FUNCTION_CALL]->type == JSON_OBJECT);
	shape->one_call_at_a_time = choice.one_at_a_time;
	return true;
}

static void
read_look(struct reading *r, const struct json_value *root)
{
	struct shape *shape = r->shape;
	struct look look;
	size_t hosted;

	look_body(&look, root, shape->dialect);
	hosted = look.tools[TOOL_HOSTED] + look.tools[TOOL_MCP] +
		 look.tools[TOOL_CONTAINER];
	shape->hosted_tools = hosted > 0 ||
			      r->at[KEY_WEB_SEARCH_OPTIONS] != NULL ||
			      (r->at[KEY_MCP_SERVERS] != NULL &&
				  r->at[KEY_MCP_SERVERS]->count > 0);
	shape->tools = shape->hosted_tools || look.tools[TOOL_CLIENT] > 0;
	shape->images = look.images;
	shape->documents = look.documents;
	shape->audio = look.audio;
	shape->state = look.item != NULL ||
		       r->at[KEY_PREVIOUS_RESPONSE_ID] != NULL ||
		       r->at[KEY_CONVERSATION] != NULL;
}

static bool
read_store(struct reading *r)
{
	return read_bool(r->at[KEY_STORE], &r->shape->stores) ||
	       fails(r, "store must be true or false");
}

static void
read_format(struct shape *shape, const struct json_value *format)
{
	bool schema = is_word(find(format, "type"), "json_schema");

	shape->schema |= schema;
	shape->structured |=
	    schema || is_word(find(format, "type"), "json_object");
}

/* Of OpenAI's `reasoning`, and of what others made of it for Chat. */
static bool
read_effort(struct reading *r)
{
	const struct json_value *reasoning = r->at[KEY_REASONING];
	const struct json_value *effort = r->at[KEY_REASONING_EFFORT];
	const struct json_value *enabled = find(reasoning, "enabled");
	struct shape *shape = r->shape;

	if (effort != NULL && effort->type != JSON_STRING)
		return fails(r, "reasoning_effort must be a string");
	shape->reasoning = effort != NULL && !is_word(effort, "none");
	if (reasoning == NULL)
		return true;
	if (reasoning->type != JSON_OBJECT)
		return fails(r, "reasoning must be an object");
	if (!read_tokens(find(reasoning, "max_tokens"), 0,
		&shape->thinking_budget))
		return fails(r, "reasoning.max_tokens must be an integer");
	if (reasoning->count > 0 && !is_word(find(reasoning, "effort"), "none"))
		shape->reasoning |=
		    enabled == NULL || enabled->type != JSON_FALSE;
	return true;
}

static bool
read_thinking(struct reading *r)
{
	const struct json_value *thinking = r->at[KEY_THINKING];

	if (thinking == NULL)
		return true;
	if (thinking->type != JSON_OBJECT)
		return fails(r, "thinking must be an object");
	if (is_word(find(thinking, "type"), "disabled"))
		return true;
	r->shape->reasoning = true;
	return read_tokens(find(thinking, "budget_tokens"), 1,
		   &r->shape->thinking_budget) ||
	       fails(r, "thinking.budget_tokens must be a positive integer");
}

static bool
read_messages_list(struct reading *r)
{
	const struct json_value *messages = r->at[KEY_MESSAGES];

	if (messages == NULL || !is_list(messages) || messages->count == 0)
		return fails(r, "messages must be an array with at least one "
				"message");
	r->shape->messages = (int64_t)messages->count;
	return true;
}

static bool
read_input(struct reading *r)
{
	const struct json_value *input = r->at[KEY_INPUT];

	r->shape->messages = 1;
	if (input != NULL && input->type == JSON_STRING)
		return true;
	if (input == NULL || !is_list(input) || input->count == 0)
		return fails(r, "input must be a string or an array with at "
				"least one item");
	r->shape->messages = (int64_t)input->count;
	return true;
}

/* Both caps mean the same; of two, the larger is what could be spent. */
static bool
read_chat(struct reading *r)
{
	int64_t older = 0, newer = 0;

	if (!read_messages_list(r))
		return false;
	if (!read_tokens(r->at[KEY_MAX_TOKENS], 1, &older))
		return fails(r, "max_tokens must be a positive integer");
	if (!read_tokens(r->at[KEY_MAX_COMPLETION_TOKENS], 1, &newer))
		return fails(r, "max_completion_tokens must be a positive "
				"integer");
	if (!read_count(r->at[KEY_N], 1, CHOICES_MAX, &r->shape->choices))
		return fails(r, "n must be an integer from 1 to 128");
	r->shape->output_cap = max_i64(older, newer);
	read_format(r->shape, r->at[KEY_RESPONSE_FORMAT]);
	return read_effort(r) && read_thinking(r) && read_store(r);
}

static bool
read_responses(struct reading *r)
{
	if (!read_input(r))
		return false;
	if (!read_tokens(r->at[KEY_MAX_OUTPUT_TOKENS], 1,
		&r->shape->output_cap))
		return fails(r, "max_output_tokens must be a positive integer");
	read_format(r->shape, find(r->at[KEY_TEXT], "format"));
	return read_effort(r) && read_store(r);
}

static bool
read_messages(struct reading *r)
{
	const struct json_value *config = r->at[KEY_OUTPUT_CONFIG];

	if (!read_messages_list(r))
		return false;
	/* None at all makes nothing but fills the provider's cache. */
	if (r->shape->operation == OPERATION_GENERATE &&
	    (r->at[KEY_MAX_TOKENS] == NULL ||
		!read_tokens(r->at[KEY_MAX_TOKENS], 0, &r->shape->output_cap)))
		return fails(r, "max_tokens must be an integer, 1 or more (0 "
				"only fills the cache)");
	read_format(r->shape, find(config, "format"));
	read_format(r->shape, r->at[KEY_OUTPUT_FORMAT]);
	return read_thinking(r);
}

static bool (*const dialects[DIALECTS])(struct reading *r) = {
	[DIALECT_CHAT] = read_chat,
	[DIALECT_RESPONSES] = read_responses,
	[DIALECT_MESSAGES] = read_messages,
};

bool
shape_read(struct shape *shape, struct arena *arena,
    const struct json_value *root, const struct shape_wish *wish,
    const char **why)
{
	struct reading r = { .shape = shape, .arena = arena };
	bool good = root->type == JSON_OBJECT ||
		    fails(&r, "the body must be a JSON object");
	size_t i;

	*shape = (struct shape){ .dialect = wish->dialect,
		.operation = wish->operation,
		.choices = 1 };
	json_pick(root, keys, KEY_COUNT, r.at);
	for (i = 0; i < KEY_COUNT; i++)
		if (r.at[i] != NULL && r.at[i]->type == JSON_NULL)
			r.at[i] = NULL;
	good = good && read_model(&r) && dialects[wish->dialect](&r) &&
	       (wish->operation == OPERATION_COUNT || read_stream(&r)) &&
	       read_tools(&r, root);
	*why = r.why;
	if (!good)
		return false;
	read_look(&r, root);
	shape->input_estimate_tokens = estimate_tokens(root, wish->dialect);
	return true;
}
