#include "common/format/weave.h"
#include "node/dialect/chat/chat.h"

/* A freeform tool for who has only functions: one string. */
#define WRAPPED_SCHEMA                                                         \
	"{\"type\":\"object\",\"properties\":{\"input\":{\"type\":"            \
	"\"string\"}},\"required\":[\"input\"],\"additionalProperties\":"      \
	"false}"

static bool
knows(const struct target_terms *terms, unsigned quirk)
{
	return (terms->quirks & quirk) != 0;
}

static void
put_word(struct weave *w, const char *name, const char *word)
{
	json_field_text(&w->json, name, slice_of(word));
}

static void
put_function(struct weave *w, const struct tool *tool)
{
	json_key(&w->json, "function");
	json_open(&w->json, '{');
	json_field_text(&w->json, "name", tool->wire);
	weave_field(w, "description", tool->description);
	weave_field(w, "parameters",
	    tool->schema.len > 0
		? tool->schema
		: slice_of("{\"type\":\"object\",\"properties\":{}}"));
	weave_field(w, "strict", tool->strict);
	json_close(&w->json, '}');
}

static void
put_custom(struct weave *w, const struct tool *tool)
{
	json_key(&w->json, "custom");
	json_open(&w->json, '{');
	json_field_text(&w->json, "name", tool->wire);
	weave_field(w, "description", tool->description);
	if (tool->definition.len > 0) {
		json_key(&w->json, "format");
		json_open(&w->json, '{');
		put_word(w, "type", "grammar");
		json_key(&w->json, "grammar");
		json_open(&w->json, '{');
		weave_field(w, "syntax", tool->syntax);
		weave_field(w, "definition", tool->definition);
		json_close(&w->json, '}');
		json_close(&w->json, '}');
	}
	json_close(&w->json, '}');
}

/* The grammar is only told, not enforced. */
static void
put_wrapped(struct weave *w, const struct tool *tool)
{
	json_key(&w->json, "function");
	json_open(&w->json, '{');
	json_field_text(&w->json, "name", tool->wire);
	json_key(&w->json, "description");
	weave_string_begin(w);
	weave_inside(w, raw_inside(tool->description));
	if (tool->definition.len > 0) {
		weave_text(w, "\\n\\nThe input follows this grammar (");
		weave_inside(w, raw_inside(tool->syntax));
		weave_text(w, "):\\n");
		weave_inside(w, raw_inside(tool->definition));
	}
	weave_string_end(w);
	weave_field(w, "parameters", slice_of(WRAPPED_SCHEMA));
	json_close(&w->json, '}');
}

static bool
is_custom(const struct tool *tool, const struct target_terms *terms)
{
	return tool->kind == TOOL_CUSTOM && knows(terms, QUIRK_CUSTOM_TOOLS);
}

static void
put_tool(struct weave *w, const struct tool *tool,
    const struct target_terms *terms)
{
	bool custom = is_custom(tool, terms);

	json_open(&w->json, '{');
	put_word(w, "type", custom ? "custom" : "function");
	if (custom)
		put_custom(w, tool);
	else if (tool->kind == TOOL_CUSTOM)
		put_wrapped(w, tool);
	else
		put_function(w, tool);
	json_close(&w->json, '}');
}

static bool
put_tools(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	const struct tool *tool;
	bool some = false;

	for (tool = t->tools; tool != NULL; tool = tool->next) {
		if (tool->kind == TOOL_HOSTED)
			continue;
		if (!some) {
			json_key(&w->json, "tools");
			json_open(&w->json, '[');
		}
		some = true;
		put_tool(w, tool, terms);
	}
	if (some)
		json_close(&w->json, ']');
	return some;
}

static void
put_choice(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	static const char *const words[] = { [CHOICE_AUTO] = "auto",
		[CHOICE_NONE] = "none",
		[CHOICE_ANY] = "required" };
	const char *type;

	if (t->choice != CHOICE_UNSET && t->choice != CHOICE_ONE)
		put_word(w, "tool_choice", words[t->choice]);
	if (t->choice == CHOICE_ONE) {
		type = is_custom(t->chosen, terms) ? "custom" : "function";
		json_key(&w->json, "tool_choice");
		json_open(&w->json, '{');
		put_word(w, "type", type);
		json_key(&w->json, type);
		json_open(&w->json, '{');
		json_field_text(&w->json, "name", t->chosen->wire);
		json_close(&w->json, '}');
		json_close(&w->json, '}');
	}
	if (t->parallel == TO_NO && knows(terms, QUIRK_PARALLEL_FLAG))
		json_field_bool(&w->json, "parallel_tool_calls", false);
}

static void
put_format(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	struct json_writer *j = &w->json;

	if (t->format == FORMAT_TEXT)
		return;
	json_key(j, "response_format");
	json_open(j, '{');
	if (t->format == FORMAT_JSON || !knows(terms, QUIRK_JSON_SCHEMA)) {
		put_word(w, "type", "json_object");
		json_close(j, '}');
		return;
	}
	put_word(w, "type", "json_schema");
	json_key(j, "json_schema");
	json_open(j, '{');
	weave_field(w, "name",
	    t->format_name.len > 0 ? t->format_name : slice_of("\"response\""));
	weave_field(w, "description", t->format_description);
	weave_field(w, "strict", t->format_strict);
	weave_field(w, "schema", t->format_schema);
	json_close(j, '}');
	json_close(j, '}');
}

static void
put_stops(struct weave *w, const struct turn *t)
{
	size_t i;

	if (t->stops_count == 0)
		return;
	json_key(&w->json, "stop");
	json_open(&w->json, '[');
	for (i = 0; i < t->stops_count; i++)
		weave_raw(w, t->stops[i]);
	json_close(&w->json, ']');
}

static void
put_sampling(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	if (!terms->reasons || !knows(terms, QUIRK_FIXED_SAMPLING)) {
		weave_field(w, "temperature", t->temperature);
		weave_field(w, "top_p", t->top_p);
	}
	put_stops(w, t);
	weave_field(w, "seed", t->seed);
	weave_field(w, "presence_penalty", t->presence_penalty);
	weave_field(w, "frequency_penalty", t->frequency_penalty);
	weave_field(w, "logit_bias", t->logit_bias);
	weave_field(w, "logprobs", t->logprobs);
	weave_field(w, "top_logprobs", t->top_logprobs);
}

/* Not every model that reasons can be told not to, but all know low. */
static enum effort
effort_of(const struct turn *t)
{
	if (t->effort != EFFORT_UNSET)
		return t->effort;
	if (t->thinking_off)
		return EFFORT_LOW;
	return t->thinking_budget > 0 ? effort_of_budget(t->thinking_budget)
				      : EFFORT_UNSET;
}

/* Few but OpenAI know these. */
static void
put_extras(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	enum effort effort = effort_of(t);

	if (effort != EFFORT_UNSET && terms->reasons &&
	    knows(terms, QUIRK_REASONING_EFFORT))
		put_word(w, "reasoning_effort", effort_name(effort));
	if (!knows(terms, QUIRK_OPENAI_FIELDS))
		return;
	weave_field(w, "verbosity", t->verbosity);
	target_put_labels(w, t);
}

void
chat_write(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	struct json_writer *j = &w->json;

	json_open(j, '{');
	json_field_text(j, "model", terms->model);
	if (t->stream) {
		json_field_bool(j, "stream", true);
		if (knows(terms, QUIRK_USAGE_IN_STREAM))
			weave_field(w, "stream_options",
			    slice_of("{\"include_usage\":true}"));
	}
	if (terms->output_cap > 0)
		json_field_int(j, terms->cap_key, terms->output_cap);
	put_sampling(w, t, terms);
	put_extras(w, t, terms);
	put_format(w, t, terms);
	if (put_tools(w, t, terms))
		put_choice(w, t, terms);
	chat_write_messages(w, t, terms);
	json_close(j, '}');
}
