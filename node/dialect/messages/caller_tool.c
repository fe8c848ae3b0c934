#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

#define NAME_BYTES_MAX 256

/* Claude Code's stand-in for the tools that it has not listed. */
#define PLACEHOLDER "\"DeferredToolPlaceholder\""

#define STRING  "{\"type\":\"string\"}"
#define INTEGER "{\"type\":\"integer\"}"
#define RANGE   "{\"type\":\"array\",\"items\":" INTEGER "}"

/*
 * Tools that the client runs and only the type tells what they take: with a
 * schema, every model can call them.
 */
static const struct typed {
	const char *prefix, *name, *description, *schema;
} typed_tools[] = {
	{ "bash_", "\"bash\"",
	    "\"Runs a command in a persistent bash session and gives its "
	    "output. Set restart to start the session anew.\"",
	    "{\"type\":\"object\",\"properties\":{\"command\":" STRING
	    ",\"restart\":{\"type\":\"boolean\"}}}" },
	{ "text_editor_", "\"str_replace_based_edit_tool\"",
	    "\"Views and edits text files. view shows a file, or view_range of "
	    "its lines, or a directory; create writes file_text; str_replace "
	    "puts new_str in the place of old_str, which has to be there "
	    "exactly once; insert puts insert_text behind line "
	    "insert_line.\"",
	    "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":"
	    "\"string\",\"enum\":[\"view\",\"create\",\"str_replace\","
	    "\"insert\"]},\"path\":" STRING ",\"view_range\":" RANGE
	    ",\"file_text\":" STRING ",\"old_str\":" STRING
	    ",\"new_str\":" STRING ",\"insert_line\":" INTEGER
	    ",\"insert_text\":" STRING
	    "},\"required\":[\"command\",\"path\"]}" },
	{ "memory_", "\"memory\"",
	    "\"Keeps files under /memories from one conversation to the next. "
	    "view shows a file or a directory; create writes file_text; "
	    "str_replace puts new_str in the place of old_str; insert puts "
	    "insert_text behind line insert_line; delete; rename takes "
	    "old_path and new_path.\"",
	    "{\"type\":\"object\",\"properties\":{\"command\":{\"type\":"
	    "\"string\",\"enum\":[\"view\",\"create\",\"str_replace\","
	    "\"insert\",\"delete\",\"rename\"]},\"path\":" STRING
	    ",\"view_range\":" RANGE ",\"file_text\":" STRING
	    ",\"old_str\":" STRING ",\"new_str\":" STRING
	    ",\"insert_line\":" INTEGER ",\"insert_text\":" STRING
	    ",\"old_path\":" STRING ",\"new_path\":" STRING
	    "},\"required\":[\"command\"]}" },
};

/* Tools of the provider's, by the beginnings of their types. */
static const char *const hosted[] = { "web_search_", "web_fetch_",
	"code_execution_", "mcp_", "advisor_" };

static bool
is_of(const struct json_value *v, enum json_type type)
{
	return v == NULL || v->type == JSON_NULL || v->type == type;
}

static bool
is_true(const struct json_value *object, const char *name)
{
	const struct json_value *v = json_find(object, name);

	return v != NULL && v->type == JSON_TRUE;
}

static bool
good_name(const struct json_value *name)
{
	size_t len = inside_of(name).len;

	return len > 0 && len <= NAME_BYTES_MAX;
}

/* What helps only to stream or to show how; who but the model may call. */
static void
note_hints(struct reading *r, const struct json_value *v)
{
	const struct json_value *callers = json_find(v, "allowed_callers");
	const struct json_value *by;

	if (is_true(v, "eager_input_streaming") ||
	    raw_of(v, "input_examples").len > 0)
		carry_note(&r->turn->carried, CARRY_TOOL_HINTS);
	if (is_true(v, "defer_loading"))
		carry_note(&r->turn->carried, CARRY_TOOL_REFERENCE);
	by = callers != NULL ? callers->first : NULL;
	for (; by != NULL; by = by->next)
		if (!value_is(by, "direct"))
			carry_note(&r->turn->carried, CARRY_HOSTED_TOOLS);
}

static bool
read_function(struct reading *r, const struct json_value *v)
{
	const struct json_value *name = json_find(v, "name");
	struct tool *tool;

	if (!good_name(name))
		return reading_wrong(r, "name", "must be a string");
	if (!is_of(json_find(v, "description"), JSON_STRING))
		return reading_wrong(r, "description", "must be a string");
	if (!is_of(json_find(v, "input_schema"), JSON_OBJECT))
		return reading_wrong(r, "input_schema", "must be an object");
	note_hints(r, v);
	if (is_true(v, "defer_loading") && slice_is(name->raw, PLACEHOLDER))
		return true;
	tool =
	    turn_tool(r->turn, TOOL_FUNCTION, name->raw, slice_make(NULL, 0));
	tool->description = raw_of(v, "description");
	tool->schema = raw_of(v, "input_schema");
	tool->cache = messages_cache_mark(r, v);
	if (is_true(v, "strict")) {
		tool->strict = raw_of(v, "strict");
		carry_note(&r->turn->carried, CARRY_STRICT_TOOLS);
	}
	reading_note_others(r, v,
	    "type name description input_schema strict cache_control "
	    "defer_loading eager_input_streaming input_examples "
	    "allowed_callers");
	return true;
}

static bool
read_typed(struct reading *r, const struct json_value *v,
    const struct typed *type)
{
	const struct json_value *name = json_find(v, "name");
	struct tool *tool = turn_tool(r->turn, TOOL_FUNCTION,
	    good_name(name) ? name->raw : slice_of(type->name),
	    slice_make(NULL, 0));

	tool->description = slice_of(type->description);
	tool->schema = slice_of(type->schema);
	tool->cache = messages_cache_mark(r, v);
	carry_note(&r->turn->carried, CARRY_TYPED_TOOLS);
	return true;
}

static bool
is_hosted(struct slice type)
{
	size_t i;

	for (i = 0; i < count_of(hosted); i++)
		if (slice_starts(type, hosted[i]))
			return true;
	return false;
}

static bool
read_tool(struct reading *r, const struct json_value *v)
{
	const struct json_value *type = json_find(v, "type");
	struct slice word = inside_of(type);
	size_t i;

	if (v->type != JSON_OBJECT)
		return reading_wrong(r, NULL, "must be an object");
	if (!is_of(type, JSON_STRING))
		return reading_wrong(r, "type", "must be a string");
	if (word.len == 0 || slice_is(word, "custom"))
		return read_function(r, v);
	for (i = 0; i < count_of(typed_tools); i++)
		if (slice_starts(word, typed_tools[i].prefix))
			return read_typed(r, v, &typed_tools[i]);
	if (slice_starts(word, "tool_search_")) {
		/* Nothing is left to search for: all are listed. */
		carry_note(&r->turn->carried, CARRY_TOOL_REFERENCE);
	} else if (is_hosted(word)) {
		turn_tool(r->turn, TOOL_HOSTED, type->raw, slice_make(NULL, 0));
		carry_note(&r->turn->carried, CARRY_HOSTED_TOOLS);
	} else {
		carry_note(&r->turn->carried, CARRY_UNKNOWN_ITEMS);
	}
	return true;
}

bool
messages_read_tools(struct reading *r, const struct json_value *v)
{
	const struct json_value *tool;

	if (v->count > TOOLS_MAX)
		return reading_wrong(r, "tools", "has too many: 1024 at most");
	for (tool = reading_first(r, "tools", v); tool != NULL;
	     tool = reading_next(r, tool))
		if (!read_tool(r, tool))
			return false;
	return true;
}

static bool
read_one(struct reading *r, const struct json_value *v)
{
	const struct json_value *name = json_find(v, "name");

	if (!good_name(name))
		return reading_wrong(r, "tool_choice.name", "must be a string");
	r->turn->choice = CHOICE_ONE;
	r->turn->chosen =
	    turn_tool_named(r->turn, name->raw, slice_make(NULL, 0));
	if (r->turn->chosen == NULL || r->turn->chosen->kind == TOOL_HOSTED)
		return reading_wrong(r, "tool_choice.name",
		    "must be that of a tool which the caller runs");
	return true;
}

static const struct {
	const char *type;
	enum choice choice;
} choices[] = {
	{ "auto", CHOICE_AUTO },
	{ "any", CHOICE_ANY },
	{ "none", CHOICE_NONE },
};

bool
messages_read_choice(struct reading *r, const struct json_value *v)
{
	const struct json_value *type = json_find(v, "type");
	const struct json_value *one =
	    json_find(v, "disable_parallel_tool_use");
	size_t i;

	if (one != NULL && one->type == JSON_TRUE)
		r->turn->parallel = TO_NO;
	else if (one != NULL && one->type == JSON_FALSE)
		r->turn->parallel = TO_YES;
	reading_note_others(r, v, "type name disable_parallel_tool_use");
	if (value_is(type, "tool"))
		return read_one(r, v);
	for (i = 0; i < count_of(choices); i++) {
		if (!value_is(type, choices[i].type))
			continue;
		r->turn->choice = choices[i].choice;
		return true;
	}
	return reading_wrong(r, "tool_choice.type",
	    "must be auto, any, tool or none");
}
