/*
 * The items of `input`: a table of their types.  What a model said before is
 * several items in a row (reasoning, messages, calls), which become one
 * message of the assistant.
 */
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/format/json.h"
#include "node/dialect/reading.h"
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
message(struct asking *a, const struct json_value *item)
{
	enum turn_role role;
	struct slice phase;

	if (!role_of(item, &role))
		return asking_wrong(a, "role",
		    "must be system, developer, user or assistant");
	if (!asking_string(a, item, "phase", &phase))
		return false;
	if (phase.len > 0)
		carry_note(&a->t->carried, CARRY_PHASE);
	return asking_content(a, role, phase, json_find(item, "content"));
}

static struct part *
call_part(struct asking *a, struct slice id)
{
	struct message *m = turn_go_on(a->t, TURN_ASSISTANT);
	struct part *p = turn_part(a->t, m, PART_CALL);

	p->id = id;
	map_put(a->calls, p->id, m);
	return p;
}

static bool
call(struct asking *a, const struct json_value *item, bool custom)
{
	const char *field = custom ? "input" : "arguments";
	struct slice id, name, space, arguments;
	struct part *p;

	if (!asking_needs(a, item, "call_id", &id) ||
	    !asking_needs(a, item, "name", &name) ||
	    !asking_string(a, item, "namespace", &space) ||
	    !asking_string(a, item, field, &arguments))
		return false;
	if (arguments.len == 0)
		return asking_wrong(a, field, "is missing");
	p = call_part(a, id);
	p->name = name;
	p->custom = custom;
	p->arguments = arguments;
	if (custom)
		carry_note(&a->t->carried, CARRY_CUSTOM_TOOLS);
	if (raw_inside(space).len == 0)
		return true;
	p->space = space;
	carry_note(&a->t->carried, CARRY_NAMESPACES);
	return true;
}

static bool
function_call(struct asking *a, const struct json_value *item)
{
	return call(a, item, false);
}

static bool
custom_tool_call(struct asking *a, const struct json_value *item)
{
	return call(a, item, true);
}

static struct part *
result_part(struct asking *a, struct slice id)
{
	struct message *m = map_find(a->calls, id);
	struct part *p;

	if (m != NULL)
		p = turn_late_result(a->t, m);
	else
		p = turn_part(a->t, turn_results(a->t), PART_RESULT);
	p->id = id;
	return p;
}

static bool
result(struct asking *a, const struct json_value *item, bool custom)
{
	struct slice id;
	struct part *p;

	if (!asking_needs(a, item, "call_id", &id))
		return false;
	p = result_part(a, id);
	p->custom = custom;
	p->failed = value_is(json_find(item, "status"), "incomplete");
	if (p->failed)
		carry_note(&a->t->carried, CARRY_TOOL_ERROR);
	return asking_output(a, p, json_find(item, "output"));
}

static bool
function_call_output(struct asking *a, const struct json_value *item)
{
	return result(a, item, false);
}

static bool
custom_tool_call_output(struct asking *a, const struct json_value *item)
{
	return result(a, item, true);
}

/* The texts of a reasoning item's list as one raw string; empty: none. */
static bool
thoughts(struct asking *a, const struct json_value *item, const char *field,
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
		return asking_wrong(a, field, "must be an array");
	buf_init(&all, THOUGHTS_MAX);
	for (v = list->first; v != NULL && right; v = v->next) {
		right = asking_string(a, v, "text", &text);
		if (!right || raw_inside(text).len == 0)
			continue;
		buf_puts(&all, all.len > 0 ? PARAGRAPH_BREAK : "\"");
		buf_put_slice(&all, raw_inside(text));
	}
	if (right && list->count == 1 && all.len > 0) {
		*raw = text; /* as it stands, not copied */
	} else if (right && all.len > 0) {
		buf_putc(&all, '"');
		*raw = arena_copy(a->t->arena, buf_slice(&all));
	}
	right = right && (!all.failed || asking_wrong(a, field, "is too long"));
	buf_fini(&all);
	return right;
}

static bool
reasoning(struct asking *a, const struct json_value *item)
{
	struct slice summary, content, blob;
	struct part *p;

	if (!thoughts(a, item, "summary", &summary) ||
	    !thoughts(a, item, "content", &content) ||
	    !asking_string(a, item, "encrypted_content", &blob))
		return false;
	carry_note(&a->t->carried, CARRY_THOUGHTS);
	if (summary.len == 0)
		summary = content;
	if (summary.len == 0 && raw_inside(blob).len == 0)
		return true;
	p = turn_part(a->t, turn_go_on(a->t, TURN_ASSISTANT), PART_THINKING);
	p->text = summary;
	if (raw_inside(blob).len == 0)
		return true;
	p->blob = blob;
	p->blob_kind = BLOB_ENCRYPTED;
	return true;
}

/* Tools listed in an item; they are the turn's like all others. */
static bool
inner_tools(struct asking *a, const struct json_value *item)
{
	const struct json_value *tools = json_find(item, "tools");
	bool right;

	if (tools == NULL || tools->type != JSON_ARRAY)
		return asking_wrong(a, "tools", "must be an array");
	a->inner = "tools";
	right = asking_tools(a, tools);
	a->inner = NULL;
	return right;
}

static bool
additional_tools(struct asking *a, const struct json_value *item)
{
	carry_note(&a->t->carried, CARRY_ADDITIONAL_TOOLS);
	return inner_tools(a, item);
}

/* Did the caller search, or the provider, who does not say it as a call? */
static bool
is_callers(struct asking *a, const struct json_value *item, struct slice *id)
{
	*id = raw_of(item, "call_id");
	carry_note(&a->t->carried, CARRY_TOOL_SEARCH);
	if (raw_inside(*id).len > 0 &&
	    !value_is(json_find(item, "execution"), "server"))
		return true;
	carry_note(&a->t->carried, CARRY_HOSTED_TOOLS);
	return false;
}

static bool
tool_search_call(struct asking *a, const struct json_value *item)
{
	const struct json_value *arguments = json_find(item, "arguments");
	struct slice id;
	struct part *p;

	if (!is_callers(a, item, &id))
		return true;
	if (arguments == NULL ||
	    (arguments->type != JSON_OBJECT && arguments->type != JSON_STRING))
		return asking_wrong(a, "arguments", "must be an object");
	p = call_part(a, id);
	p->name = slice_of("\"tool_search\"");
	if (arguments->type == JSON_OBJECT)
		p->input = arguments->raw;
	else
		p->arguments = arguments->raw;
	return true;
}

static bool
tool_search_output(struct asking *a, const struct json_value *item)
{
	struct slice id;
	struct part *p;

	if (!inner_tools(a, item))
		return false;
	if (!is_callers(a, item, &id))
		return true;
	p = turn_result_part(a->t, result_part(a, id), PART_TEXT);
	p->text = asking_tool_names(a, json_find(item, "tools"));
	return true;
}

static bool
configuration_update(struct asking *a, const struct json_value *item)
{
	const struct json_value *r = json_find(item, "reasoning"),
				*t = json_find(item, "text");

	if (r != NULL && r->type != JSON_NULL && !asking_reasoning(a, r))
		return false;
	return t == NULL || t->type == JSON_NULL || asking_text(a, t);
}

static bool
item_reference(struct asking *a, const struct json_value *item)
{
	(void)item;
	return asking_wrong(a, NULL,
	    "is a reference to an item that is not kept here: send "
	    "store:false and the items themselves");
}

static const struct kind {
	const char *type;
	bool (*read)(struct asking *a, const struct json_value *item);
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
note_others(struct asking *a, const struct json_value *item)
{
	if (reading_has_others(item, ITEM_FIELDS))
		carry_note(&a->t->carried, CARRY_ITEM_FIELDS);
}

static bool
read_item(struct asking *a, const struct json_value *item)
{
	struct slice type;
	size_t i;

	if (item->type != JSON_OBJECT)
		return asking_wrong(a, NULL, "must be an object");
	if (!asking_string(a, item, "type", &type))
		return false;
	/* Both may come without a type. */
	if (type.len == 0) {
		note_others(a, item);
		return json_find(item, "role") != NULL
			   ? message(a, item)
			   : item_reference(a, item);
	}
	for (i = 0; i < count_of(kinds); i++)
		if (raw_is(type, kinds[i].type))
			break;
	if (i < count_of(kinds) && kinds[i].read != NULL) {
		note_others(a, item);
		return kinds[i].read(a, item);
	}
	carry_note(&a->t->carried,
	    i < count_of(kinds) ? kinds[i].carry : CARRY_UNKNOWN_ITEMS);
	return true;
}

bool
asking_input(struct asking *a, const struct json_value *input)
{
	struct asking there = *a;
	const struct json_value *item;

	if (input->type == JSON_STRING) {
		if (raw_inside(input->raw).len == 0)
			return asking_wrong(a, "input", "is empty");
		turn_part(a->t, turn_message(a->t, TURN_USER), PART_TEXT)
		    ->text = input->raw;
		return true;
	}
	if (input->type != JSON_ARRAY)
		return asking_wrong(a, "input", "must be a string or an array");
	there.list = "input";
	there.at = 0;
	for (item = input->first; item != NULL; item = item->next, there.at++)
		if (!read_item(&there, item))
			return false;
	return true;
}
