#include "common/base/map.h"
#include "common/format/json.h"
#include "node/dialect/chat/chat.h"
#include "node/dialect/reading.h"

/* What no other dialect has a place for, but for a mark of the cache. */
static void
take_others(struct reading *r, const struct json_value *v, struct tool *tool)
{
	if (raw_of(v, "cache_control").len > 0) {
		carry_note(&r->turn->carried, CARRY_CACHE_MARKS);
		tool->cache = raw_of(v, "cache_control");
	}
	reading_note_others(r, v,
	    "type function custom name description parameters input_schema "
	    "strict format cache_control");
}

/* NULL, and wrong, when it cannot be one. */
static struct tool *
new_tool(struct reading *r, enum tool_kind kind, const struct json_value *v)
{
	struct slice name = raw_of(v, "name");
	struct tool *tool;

	if (raw_inside(name).len == 0) {
		reading_wrong(r, NULL, "must have a name");
		return NULL;
	}
	tool = reading_tool(r, kind, name, slice_make(NULL, 0));
	if (tool == NULL)
		return NULL;
	tool->description = raw_of(v, "description");
	take_others(r, v, tool);
	return tool;
}

/* Also flat, as the Responses API has them: some clients mix the two. */
static struct tool *
take_function(struct reading *r, const struct json_value *f)
{
	struct tool *tool = new_tool(r, TOOL_FUNCTION, f);

	if (tool == NULL)
		return NULL;
	tool->schema = raw_of(f, "parameters");
	if (tool->schema.len == 0)
		tool->schema = raw_of(f, "input_schema");
	tool->strict = raw_of(f, "strict");
	if (tool->strict.len > 0)
		carry_note(&r->turn->carried, CARRY_STRICT_TOOLS);
	return tool;
}

static struct tool *
take_custom(struct reading *r, const struct json_value *c)
{
	const struct json_value *format = json_find(c, "format");
	const struct json_value *grammar = json_find(format, "grammar");
	struct tool *tool = new_tool(r, TOOL_CUSTOM, c);

	if (tool == NULL)
		return NULL;
	carry_note(&r->turn->carried, CARRY_CUSTOM_TOOLS);
	if (grammar == NULL)
		grammar = format;
	tool->syntax = raw_of(grammar, "syntax");
	tool->definition = raw_of(grammar, "definition");
	return tool;
}

static bool
take_tool(struct reading *r, const struct json_value *v)
{
	const struct json_value *type = json_find(v, "type");
	bool custom = value_is(type, "custom");
	const struct json_value *inner;
	struct tool *tool;

	if (type != NULL && !custom && !value_is(type, "function")) {
		carry_note(&r->turn->carried, CARRY_HOSTED_TOOLS);
		return true;
	}
	inner = json_find(v, custom ? "custom" : "function");
	if (inner == NULL)
		inner = v;
	tool = custom ? take_custom(r, inner) : take_function(r, inner);
	if (tool != NULL && inner != v)
		take_others(r, v, tool);
	return tool != NULL;
}

bool
chat_read_tools(struct reading *r, const struct json_value *v)
{
	const struct json_value *tool;

	for (tool = reading_first(r, "tools", v); tool != NULL;
	     tool = reading_next(r, tool))
		if (!take_tool(r, tool))
			return false;
	return true;
}

bool
chat_read_functions(struct reading *r, const struct json_value *v)
{
	const struct json_value *f;

	carry_note(&r->turn->carried, CARRY_LEGACY_FUNCTIONS);
	for (f = reading_first(r, "functions", v); f != NULL;
	     f = reading_next(r, f))
		if (take_function(r, f) == NULL)
			return false;
	return true;
}

static enum choice
choice_of(const struct json_value *word)
{
	if (value_is(word, "none"))
		return CHOICE_NONE;
	if (value_is(word, "required"))
		return CHOICE_ANY;
	return value_is(word, "auto") ? CHOICE_AUTO : CHOICE_UNSET;
}

static void
name_allowed(struct map *named, const struct json_value *list)
{
	const struct json_value *v, *f;
	struct slice name;

	for (v = list != NULL ? list->first : NULL; v != NULL; v = v->next) {
		f = json_find(v, "function");
		if (f == NULL)
			f = json_find(v, "custom");
		name = raw_of(f != NULL ? f : v, "name");
		map_put(named, name, (void *)(uintptr_t)v);
	}
}

/* Only those that are named stay. */
static bool
allow_tools(struct reading *r, const struct json_value *allowed)
{
	struct tool **at = &r->turn->tools;
	struct map named;

	map_init(&named);
	name_allowed(&named, json_find(allowed, "tools"));
	while (*at != NULL) {
		if (map_find(&named, (*at)->name) != NULL) {
			at = &(*at)->next;
			continue;
		}
		*at = (*at)->next;
		r->turn->tools_count--;
	}
	map_fini(&named);
	r->turn->tools_tail = at;
	r->turn->choice = choice_of(json_find(allowed, "mode"));
	return true;
}

bool
chat_read_choice(struct reading *r, const struct json_value *v)
{
	struct turn *t = r->turn;
	const struct json_value *one = v;

	if (v->type == JSON_STRING) {
		t->choice = choice_of(v);
		return t->choice != CHOICE_UNSET ||
		       reading_wrong(r, "tool_choice",
			   "must be none, auto, required or name a tool");
	}
	if (value_is(json_find(v, "type"), "allowed_tools"))
		return allow_tools(r, json_find(v, "allowed_tools"));
	if (json_find(v, "function") != NULL)
		one = json_find(v, "function");
	else if (json_find(v, "custom") != NULL)
		one = json_find(v, "custom");
	t->chosen = turn_tool_named(t, raw_of(one, "name"), slice_of(""));
	t->choice = CHOICE_ONE;
	return t->chosen != NULL || reading_wrong(r, "tool_choice",
					"names a tool that is not in tools");
}

bool
chat_read_call(struct reading *r, const struct json_value *v)
{
	carry_note(&r->turn->carried, CARRY_LEGACY_FUNCTIONS);
	return chat_read_choice(r, v);
}
