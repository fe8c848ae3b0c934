/*
 * Tools: those of the caller become the turn's, those of a namespace with
 * their space, and those that a provider runs are noted, for no other can.
 */
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/format/json.h"
#include "node/dialect/responses/asking.h"

#define NAMES_MAX (256u << 10)

static void
note_others(struct reading *r, const struct json_value *v)
{
	if (slice_is(raw_of(v, "defer_loading"), "true"))
		carry_note(&r->turn->carried, CARRY_TOOL_REFERENCE);
	reading_note_others(r, v,
	    "type name description parameters strict format execution "
	    "defer_loading");
}

static bool
keep_schema(struct reading *r, struct tool *tool, const struct json_value *v)
{
	const struct json_value *schema = json_find(v, "parameters");

	note_others(r, v);
	if (schema != NULL && schema->type != JSON_NULL &&
	    schema->type != JSON_OBJECT)
		return reading_wrong(r, "parameters", "must be an object");
	tool->schema = raw_of(v, "parameters");
	tool->strict = raw_of(v, "strict");
	if (slice_is(tool->strict, "true"))
		carry_note(&r->turn->carried, CARRY_STRICT_TOOLS);
	return reading_string(r, v, "description", &tool->description);
}

static bool
function(struct reading *r, const struct json_value *v, struct slice space)
{
	struct tool *tool;
	struct slice name;

	if (!reading_needs(r, v, "name", &name))
		return false;
	tool = reading_tool(r, TOOL_FUNCTION, name, space);
	return tool != NULL && keep_schema(r, tool, v);
}

static bool
custom(struct reading *r, const struct json_value *v, struct slice space)
{
	const struct json_value *format = json_find(v, "format");
	struct tool *tool;
	struct slice name;

	if (!reading_needs(r, v, "name", &name))
		return false;
	tool = reading_tool(r, TOOL_CUSTOM, name, space);
	if (tool == NULL)
		return false;
	carry_note(&r->turn->carried, CARRY_CUSTOM_TOOLS);
	note_others(r, v);
	if (!reading_string(r, v, "description", &tool->description) ||
	    !reading_string(r, format, "syntax", &tool->syntax) ||
	    !reading_string(r, format, "definition", &tool->definition))
		return false;
	return true;
}

static bool
hosted(struct reading *r, const struct json_value *v, struct slice space)
{
	struct slice type = raw_of(v, "type");

	(void)space;
	carry_note(&r->turn->carried, CARRY_HOSTED_TOOLS);
	/* One of the caller's own by that name is not to be lost. */
	if (turn_tool_by_wire(r->turn, raw_inside(type)) != NULL)
		return true;
	return reading_tool(r, TOOL_HOSTED, type, slice_of("")) != NULL;
}

static bool
tool_search(struct reading *r, const struct json_value *v, struct slice space)
{
	struct tool *tool;

	if (!value_is(json_find(v, "execution"), "client"))
		return hosted(r, v, space);
	carry_note(&r->turn->carried, CARRY_TOOL_SEARCH);
	tool = reading_tool(r, TOOL_FUNCTION, raw_of(v, "type"), slice_of(""));
	if (tool == NULL)
		return false;
	tool->search = true;
	return keep_schema(r, tool, v);
}

static bool namespace(struct reading *r, const struct json_value *v,
    struct slice space);

static const struct kind {
	const char *type;
	bool (*read)(struct reading *r, const struct json_value *v,
	    struct slice space);
	bool inner; /* may stand in a namespace */
} kinds[] = {
	{ "function", function, true },
	{ "custom", custom, true },
	{ "namespace", namespace, false },
	{ "tool_search", tool_search, false },
	{ "web_search", hosted, false },
	{ "web_search_2025_08_26", hosted, false },
	{ "web_search_preview", hosted, false },
	{ "web_search_preview_2025_03_11", hosted, false },
	{ "file_search", hosted, false },
	{ "code_interpreter", hosted, false },
	{ "image_generation", hosted, false },
	{ "mcp", hosted, false },
};

static const struct kind *
kind_of(struct slice type)
{
	size_t i;

	for (i = 0; i < count_of(kinds); i++)
		if (raw_is(type, kinds[i].type))
			return &kinds[i];
	return NULL;
}

static bool
tool(struct reading *r, const struct json_value *v, struct slice space)
{
	const struct kind *kind;
	struct slice type;

	if (!reading_needs(r, v, "type", &type))
		return false;
	kind = kind_of(type);
	if (kind != NULL && (space.len == 0 || kind->inner))
		return kind->read(r, v, space);
	carry_note(&r->turn->carried, CARRY_UNKNOWN_ITEMS);
	return true;
}

static bool namespace(struct reading *r, const struct json_value *v,
    struct slice space)
{
	const struct json_value *list = json_find(v, "tools"), *one;

	if (!reading_needs(r, v, "name", &space))
		return false;
	if (list == NULL || list->type != JSON_ARRAY)
		return reading_wrong(r, "tools", "must be an array");
	carry_note(&r->turn->carried, CARRY_NAMESPACES);
	for (one = reading_first(r, "tools", list); one != NULL;
	     one = reading_next(r, one))
		if (!tool(r, one, space))
			return false;
	return true;
}

bool
asking_tools(struct reading *r, const struct json_value *tools)
{
	const struct json_value *v;

	for (v = reading_first(r, "tools", tools); v != NULL;
	     v = reading_next(r, v))
		if (!tool(r, v, slice_of("")))
			return false;
	return true;
}

static void
put_name(struct reading *r, struct buf *names, const struct json_value *v,
    struct slice space)
{
	const struct tool *tool =
	    turn_tool_named(r->turn, raw_of(v, "name"), space);

	if (tool == NULL)
		return;
	buf_puts(names, names->len > 1 ? ", " : "Tools that were found: ");
	json_escape(names, tool->wire);
}

struct slice
asking_tool_names(struct reading *r, const struct json_value *tools)
{
	const struct json_value *v, *one;
	struct buf names;
	struct slice raw;

	buf_init(&names, NAMES_MAX);
	buf_putc(&names, '"');
	for (v = tools->first; v != NULL; v = v->next) {
		put_name(r, &names, v, slice_of(""));
		one = json_find(v, "tools");
		for (one = one != NULL ? one->first : NULL; one != NULL;
		     one = one->next)
			put_name(r, &names, one, raw_of(v, "name"));
	}
	if (names.len == 1)
		buf_puts(&names, "No tools were found.");
	buf_putc(&names, '"');
	raw = names.failed ? slice_of("\"Tools were found.\"")
			   : arena_copy(r->turn->arena, buf_slice(&names));
	buf_fini(&names);
	return raw;
}

static bool
choose(struct reading *r, const struct json_value *v, struct slice type)
{
	struct slice name = raw_of(v, "name");
	struct turn *t = r->turn;

	if (raw_is(type, "tool_search"))
		name = type;
	t->choice = CHOICE_ONE;
	t->chosen = turn_tool_named(t, name, raw_of(v, "namespace"));
	if (t->chosen == NULL)
		return reading_wrong(r, "tool_choice",
		    "names a tool that is not listed");
	if (t->chosen->kind == TOOL_HOSTED)
		return reading_wrong(r, "tool_choice",
		    "forces a tool that only its provider can run");
	return true;
}

/* By their names, else by their types; or all of a namespace. */
struct allowed {
	struct map names, spaces;
};

static void
name_allowed(struct allowed *all, const struct json_value *list)
{
	const struct json_value *v;
	struct slice name, type;

	for (v = list->first; v != NULL; v = v->next) {
		name = raw_of(v, "name");
		type = raw_of(v, "type");
		map_put(&all->names, name.len > 0 ? name : type,
		    (void *)(uintptr_t)v);
		if (name.len > 0 && raw_is(type, "namespace"))
			map_put(&all->spaces, name, (void *)(uintptr_t)v);
	}
}

static bool
is_allowed(const struct allowed *all, const struct tool *tool)
{
	return map_find(&all->names, tool->name) != NULL ||
	       map_find(&all->spaces, tool->space) != NULL;
}

static void
keep_allowed(struct turn *t, const struct json_value *list)
{
	struct tool **at = &t->tools;
	struct allowed all;

	map_init(&all.names);
	map_init(&all.spaces);
	name_allowed(&all, list);
	while (*at != NULL) {
		if (is_allowed(&all, *at)) {
			at = &(*at)->next;
			continue;
		}
		*at = (*at)->next;
		t->tools_count--;
	}
	t->tools_tail = at;
	map_fini(&all.names);
	map_fini(&all.spaces);
}

static bool
allow(struct reading *r, const struct json_value *v)
{
	const struct json_value *list = json_find(v, "tools");
	bool any = value_is(json_find(v, "mode"), "required");

	if (list == NULL || list->type != JSON_ARRAY)
		return reading_wrong(r, "tool_choice.tools",
		    "must be an array");
	if (!any && !value_is(json_find(v, "mode"), "auto"))
		return reading_wrong(r, "tool_choice.mode",
		    "must be auto or required");
	keep_allowed(r->turn, list);
	r->turn->choice = any ? CHOICE_ANY : CHOICE_AUTO;
	return true;
}

bool
asking_choice(struct reading *r, const struct json_value *v)
{
	static const char *const words[] = { [CHOICE_AUTO] = "auto",
		[CHOICE_NONE] = "none",
		[CHOICE_ANY] = "required" };
	struct slice type = raw_of(v, "type");
	size_t i;

	for (i = CHOICE_AUTO; i < count_of(words); i++)
		if (value_is(v, words[i])) {
			r->turn->choice = (enum choice)i;
			return true;
		}
	if (raw_is(type, "allowed_tools"))
		return allow(r, v);
	if (raw_is(type, "function") || raw_is(type, "custom") ||
	    raw_is(type, "tool_search"))
		return choose(r, v, type);
	if (kind_of(type) != NULL)
		return reading_wrong(r, "tool_choice",
		    "forces a tool that only its provider can run");
	return reading_wrong(r, "tool_choice",
	    "must be auto, none, required, or an object that names a tool");
}
