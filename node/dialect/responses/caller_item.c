/*
 * The items of `input`: a table of their types.  What a model said before is
 * several items in a row (reasoning, messages, calls), which become one
 * message of the assistant.
 */
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/format/json.h"
#include "node/dialect/responses/asking.h"

#define THOUGHTS_MAX    (64u << 20)
#define PARAGRAPH_BREAK "\\n\\n" /* inside a string */

static bool
role_of(const struct json_value *item, enum turn_role *role)
{
	static const char *const names[] = { [TURN_SYSTEM] = "system",
		[TURN_DEVELOPER] = "developer",
		[TURN_USER] = "user",
		[TURN_ASSISTANT] = "assistant" };
	const struct json_value *v = json_find(item, "role");
	size_t i;

	for (i = 0; i < count_of(names); i++)
		if (value_is(v, names[i])) {
			*role = (enum turn_role)i;
			return true;
		}
	return false;
}

static bool
message(struct reading *r, const struct json_value *item)
{
	enum turn_role role;
	struct slice phase;

	if (!role_of(item, &role))
		return reading_wrong(r, "role",
		    "must be system, developer, user or assistant");
	if (!reading_string(r, item, "phase", &phase))
		return false;
	if (phase.len > 0)
		carry_note(&r->turn->carried, CARRY_PHASE);
	return asking_content(r, role, phase, json_find(item, "content"));
}

static struct part *
call_part(struct reading *r, struct slice id)
{
	struct message *m = turn_go_on(r->turn, TURN_ASSISTANT);
	struct part *p = turn_part(r->turn, m, PART_CALL);

	p->id = id;
	map_put(&asking_of(r)->calls, p->id, m);
	return p;
}

static bool
call(struct reading *r, const struct json_value *item, bool custom)
{
	const char *field = custom ? "input" : "arguments";
	struct slice id, name, space, arguments;
	struct part *p;

	if (!reading_needs(r, item, "call_id", &id) ||
	    !reading_needs(r, item, "name", &name) ||
	    !reading_string(r, item, "namespace", &space) ||
	    !reading_string(r, item, field, &arguments))
		return false;
	if (arguments.len == 0)
		return reading_wrong(r, field, "is missing");
	p = call_part(r, id);
	p->name = name;
	p->custom = custom;
	p->arguments = arguments;
	if (custom)
		carry_note(&r->turn->carried, CARRY_CUSTOM_TOOLS);
	if (raw_inside(space).len == 0)
		return true;
	p->space = space;
	carry_note(&r->turn->carried, CARRY_NAMESPACES);
	return true;
}

static bool
function_call(struct reading *r, const struct json_value *item)
{
	return call(r, item, false);
}

static bool
custom_tool_call(struct reading *r, const struct json_value *item)
{
	return call(r, item, true);
}

static struct part *
result_part(struct reading *r, struct slice id)
{
	struct message *m = map_find(&asking_of(r)->calls, id);
	struct part *p;

	if (m != NULL)
		p = turn_late_result(r->turn, m);
	else
		p = turn_part(r->turn, turn_results(r->turn), PART_RESULT);
	p->id = id;
	return p;
}

static bool
result(struct reading *r, const struct json_value *item, bool custom)
{
	struct slice id;
	struct part *p;

	if (!reading_needs(r, item, "call_id", &id))
		return false;
	p = result_part(r, id);
	p->custom = custom;
	p->failed = value_is(json_find(item, "status"), "incomplete");
	if (p->failed)
		carry_note(&r->turn->carried, CARRY_TOOL_ERROR);
	return asking_output(r, p, json_find(item, "output"));
}

static bool
function_call_output(struct reading *r, const struct json_value *item)
{
	return result(r, item, false);
}

static bool
custom_tool_call_output(struct reading *r, const struct json_value *item)
{
	return result(r, item, true);
}

/* The texts of a reasoning item's list as one raw string; empty: none. */
static bool
thoughts(struct reading *r, const struct json_value *item, const char *field,
    struct slice *raw)
{
	const struct json_value *list = json_find(item, field), *v;
	struct slice text = { NULL, 0 };
	struct buf all;
	bool right = true;

	*raw = text;
	if (list == NULL || list->type == JSON_NULL || list->count == 0)
		return true;
	if (list->type != JSON_ARRAY)
		return reading_wrong(r, field, "must be an array");
	buf_init(&all, THOUGHTS_MAX);
	for (v = list->first; v != NULL && right; v = v->next) {
		right = reading_string(r, v, "text", &text);
		if (!right || raw_inside(text).len == 0)
			continue;
		buf_puts(&all, all.len > 0 ? PARAGRAPH_BREAK : "\"");
		buf_put_slice(&all, raw_inside(text));
	}
	if (right && list->count == 1 && all.len > 0) {
		*raw = text; /* as it stands, not copied */
	} else if (right && all.len > 0) {
		buf_putc(&all, '"');
		*raw = arena_copy(r->turn->arena, buf_slice(&all));
	}
	right =
	    right && (!all.failed || reading_wrong(r, field, "is too long"));
	buf_fini(&all);
	return right;
}

static bool
reasoning(struct reading *r, const struct json_value *item)
{
	struct slice summary, content, blob;
	struct part *p;

	if (!thoughts(r, item, "summary", &summary) ||
	    !thoughts(r, item, "content", &content) ||
	    !reading_string(r, item, "encrypted_content", &blob))
		return false;
	carry_note(&r->turn->carried, CARRY_THOUGHTS);
	if (summary.len == 0)
		summary = content;
	if (summary.len == 0 && raw_inside(blob).len == 0)
		return true;
	p = turn_part(r->turn, turn_go_on(r->turn, TURN_ASSISTANT),
	    PART_THINKING);
	p->text = summary;
	if (raw_inside(blob).len == 0)
		return true;
	p->blob = blob;
	p->blob_kind = BLOB_ENCRYPTED;
	return true;
}

/* Tools listed in an item; they are the turn's like all others. */
static bool
inner_tools(struct reading *r, const struct json_value *item)
{
	const struct json_value *tools = json_find(item, "tools");

	if (tools == NULL || tools->type != JSON_ARRAY)
		return reading_wrong(r, "tools", "must be an array");
	return asking_tools(r, tools);
}

static bool
additional_tools(struct reading *r, const struct json_value *item)
{
	carry_note(&r->turn->carried, CARRY_ADDITIONAL_TOOLS);
	return inner_tools(r, item);
}

/* Did the caller search, or the provider, who does not say it as a call? */
static bool
is_callers(struct reading *r, const struct json_value *item, struct slice *id)
{
	*id = raw_of(item, "call_id");
	carry_note(&r->turn->carried, CARRY_TOOL_SEARCH);
	if (raw_inside(*id).len > 0 &&
	    !value_is(json_find(item, "execution"), "server"))
		return true;
	carry_note(&r->turn->carried, CARRY_HOSTED_TOOLS);
	return false;
}

static bool
tool_search_call(struct reading *r, const struct json_value *item)
{
	const struct json_value *arguments = json_find(item, "arguments");
	struct slice id;
	struct part *p;

	if (!is_callers(r, item, &id))
		return true;
	if (arguments == NULL ||
	    (arguments->type != JSON_OBJECT && arguments->type != JSON_STRING))
		return reading_wrong(r, "arguments", "must be an object");
	p = call_part(r, id);
	p->name = slice_of("\"tool_search\"");
	if (arguments->type == JSON_OBJECT)
		p->input = arguments->raw;
	else
		p->arguments = arguments->raw;
	return true;
}

static bool
tool_search_output(struct reading *r, const struct json_value *item)
{
	struct slice id;
	struct part *p;

	if (!inner_tools(r, item))
		return false;
	if (!is_callers(r, item, &id))
		return true;
	p = turn_result_part(r->turn, result_part(r, id), PART_TEXT);
	p->text = asking_tool_names(r, json_find(item, "tools"));
	return true;
}

static bool
configuration_update(struct reading *r, const struct json_value *item)
{
	const struct json_value *reasoning = json_find(item, "reasoning"),
				*text = json_find(item, "text");

	if (reasoning != NULL && reasoning->type != JSON_NULL &&
	    !asking_reasoning(r, reasoning))
		return false;
	return text == NULL || text->type == JSON_NULL || asking_text(r, text);
}

static bool
item_reference(struct reading *r, const struct json_value *item)
{
	(void)item;
	return reading_wrong(r, NULL,
	    "is a reference to an item that is not kept here: send "
	    "store:false and the items themselves");
}

static const struct kind {
	const char *type;
	bool (*read)(struct reading *r, const struct json_value *item);
	enum carry carry; /* without a reader */
} kinds[] = {
	{ "message", message, 0 },
	{ "function_call", function_call, 0 },
	{ "function_call_output", function_call_output, 0 },
	{ "custom_tool_call", custom_tool_call, 0 },
	{ "custom_tool_call_output", custom_tool_call_output, 0 },
	{ "reasoning", reasoning, 0 },
	{ "additional_tools", additional_tools, 0 },
	{ "tool_search_call", tool_search_call, 0 },
	{ "tool_search_output", tool_search_output, 0 },
	{ "configuration_update", configuration_update, 0 },
	{ "item_reference", item_reference, 0 },
	{ "compaction", NULL, CARRY_COMPACTION },
	{ "compaction_trigger", NULL, CARRY_COMPACTION },
	{ "web_search_call", NULL, CARRY_HOSTED_TOOLS },
	{ "file_search_call", NULL, CARRY_HOSTED_TOOLS },
	{ "code_interpreter_call", NULL, CARRY_HOSTED_TOOLS },
	{ "image_generation_call", NULL, CARRY_HOSTED_TOOLS },
	{ "mcp_list_tools", NULL, CARRY_HOSTED_TOOLS },
	{ "mcp_call", NULL, CARRY_HOSTED_TOOLS },
	{ "mcp_approval_request", NULL, CARRY_HOSTED_TOOLS },
	{ "mcp_approval_response", NULL, CARRY_HOSTED_TOOLS },
};

/* Of any item; ids and states are the API's own and say nothing more. */
#define ITEM_FIELDS                                                            \
	"type id status role content phase call_id name namespace arguments "  \
	"input output summary encrypted_content tools execution reasoning "    \
	"text"

static void
note_others(struct reading *r, const struct json_value *item)
{
	if (reading_has_others(item, ITEM_FIELDS))
		carry_note(&r->turn->carried, CARRY_ITEM_FIELDS);
}

static bool
read_item(struct reading *r, const struct json_value *item)
{
	struct slice type;
	size_t i;

	if (item->type != JSON_OBJECT)
		return reading_wrong(r, NULL, "must be an object");
	if (!reading_string(r, item, "type", &type))
		return false;
	/* Both may come without a type. */
	if (type.len == 0) {
		note_others(r, item);
		return json_find(item, "role") != NULL
			   ? message(r, item)
			   : item_reference(r, item);
	}
	for (i = 0; i < count_of(kinds); i++)
		if (raw_is(type, kinds[i].type))
			break;
	if (i < count_of(kinds) && kinds[i].read != NULL) {
		note_others(r, item);
		return kinds[i].read(r, item);
	}
	carry_note(&r->turn->carried,
	    i < count_of(kinds) ? kinds[i].carry : CARRY_UNKNOWN_ITEMS);
	return true;
}

bool
asking_input(struct reading *r, const struct json_value *input)
{
	const struct json_value *item;

	if (input->type == JSON_STRING) {
		if (raw_inside(input->raw).len == 0)
			return reading_wrong(r, "input", "is empty");
		turn_part(r->turn, turn_message(r->turn, TURN_USER), PART_TEXT)
		    ->text = input->raw;
		return true;
	}
	if (input->type != JSON_ARRAY)
		return reading_wrong(r, "input",
		    "must be a string or an array");
	for (item = reading_first(r, "input", input); item != NULL;
	     item = reading_next(r, item))
		if (!read_item(r, item))
			return false;
	return true;
}
