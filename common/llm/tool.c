#include "common/llm/tool.h"

#include "common/format/json.h"

static const struct {
	unsigned dialects;
	struct slice type; /* without its star */
	bool versions;
	enum tool_kind kind;
} tools[] = {
#define STARRED(type) (type[sizeof(type) - 2] == '*')
#define TOOL(dialects, type, kind)                                             \
	{ dialects, { type, sizeof(type) - 1 - STARRED(type) }, STARRED(type), \
		TOOL_##kind },
#include "common/llm/tool.def"
#undef TOOL
};

static enum tool_kind
kind_of_type(struct slice type, enum dialect d)
{
	size_t i;

	for (i = 0; i < count_of(tools); i++) {
		struct slice row = tools[i].type;

		if (type.len < row.len ||
		    (type.len > row.len && !tools[i].versions) ||
		    (tools[i].dialects & (1u << d)) == 0)
			continue;
		if (memcmp(type.ptr, row.ptr, row.len) == 0)
			return tools[i].kind;
	}
	return TOOL_HOSTED;
}

enum tool_kind
tool_kind(const struct json_value *tool, enum dialect d)
{
	const struct json_value *type = json_find(tool, "type");
	char room[JSON_WORD_MAX];

	if (tool->type != JSON_OBJECT)
		return TOOL_HOSTED;
	if (type != NULL && type->type != JSON_NULL)
		return kind_of_type(json_word(type, room), d);
	/* Without a type it is a function, or some extension of a provider. */
	return json_find(tool, "name") != NULL ||
		       json_find(tool, "function") != NULL
		   ? TOOL_CLIENT
		   : TOOL_HOSTED;
}

/* Is it the name of a tool on the list that the caller does not run? */
static bool
is_hosted(const struct json_value *root, const struct json_value *name,
    enum dialect d)
{
	const struct json_value *list = json_find(root, "tools"), *tool;
	char wanted_room[JSON_WORD_MAX], room[JSON_WORD_MAX];
	struct slice wanted = json_word(name, wanted_room);

	if (list == NULL || list->type != JSON_ARRAY)
		return false;
	for (tool = list->first; tool != NULL; tool = tool->next)
		if (slice_eq(wanted, json_word(json_find(tool, "name"), room)))
			return tool_kind(tool, d) != TOOL_CLIENT;
	return false;
}

static const struct {
	const char *word;
	enum choice_mode mode;
} modes[] = {
	{ "auto", CHOICE_AUTO },
	{ "none", CHOICE_NONE },
	{ "required", CHOICE_ANY },
	{ "any", CHOICE_ANY },
};

/* A word that is not known forces something, for all one knows. */
static enum choice_mode
mode_of(const struct json_value *word)
{
	char room[JSON_WORD_MAX];
	struct slice text = json_word(word, room);
	size_t i;

	for (i = 0; i < count_of(modes); i++)
		if (slice_is(text, modes[i].word))
			return modes[i].mode;
	return CHOICE_NAMED;
}

static void
read_messages(struct tool_choice *choice, const struct json_value *root,
    const struct json_value *value)
{
	const struct json_value *single =
	    json_find(value, "disable_parallel_tool_use");

	choice->mode = mode_of(json_find(value, "type"));
	choice->one_at_a_time = single != NULL && single->type == JSON_TRUE;
	choice->names_hosted =
	    choice->mode == CHOICE_NAMED &&
	    is_hosted(root, json_find(value, "name"), DIALECT_MESSAGES);
}

/* Responses has mode and tools flat, Chat inside of a key. */
static void
read_allowed(struct tool_choice *choice, const struct json_value *value,
    enum dialect d)
{
	const struct json_value *inner = json_find(value, "allowed_tools");
	const struct json_value *from = inner != NULL ? inner : value;
	const struct json_value *list = json_find(from, "tools"), *tool;

	choice->mode = mode_of(json_find(from, "mode"));
	if (list == NULL)
		return;
	for (tool = list->first; tool != NULL; tool = tool->next)
		if (tool_kind(tool, d) != TOOL_CLIENT)
			choice->names_hosted = true;
}

bool
tool_choice_read(struct tool_choice *choice, const struct json_value *root,
    enum dialect d)
{
	const struct json_value *value = json_find(root, "tool_choice");
	const struct json_value *parallel =
	    json_find(root, "parallel_tool_calls");
	char room[JSON_WORD_MAX];

	*choice = (struct tool_choice){ .mode = CHOICE_AUTO };
	choice->one_at_a_time =
	    parallel != NULL && parallel->type == JSON_FALSE;
	if (value == NULL || value->type == JSON_NULL)
		return true;
	if (value->type == JSON_OBJECT && d == DIALECT_MESSAGES) {
		read_messages(choice, root, value);
	} else if (value->type == JSON_STRING && d != DIALECT_MESSAGES) {
		choice->mode = mode_of(value);
	} else if (value->type == JSON_OBJECT &&
		   slice_is(json_word(json_find(value, "type"), room),
		       "allowed_tools")) {
		read_allowed(choice, value, d);
	} else if (value->type == JSON_OBJECT) {
		choice->mode = CHOICE_NAMED;
		choice->names_hosted = tool_kind(value, d) != TOOL_CLIENT;
	} else {
		return false;
	}
	return true;
}
