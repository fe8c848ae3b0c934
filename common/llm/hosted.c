#include "common/llm/hosted.h"

#include "common/format/json.h"
#include "common/llm/look.h"
#include "common/llm/splice.h"

enum member { TOOLS, TOOL_CHOICE, PARALLEL, WEB_SEARCH, MEMBERS };

static const struct slice members[MEMBERS] = {
#define MEMBER(name)                                                           \
	{                                                                      \
		name, sizeof(name) - 1                                         \
	}
	[TOOLS] = MEMBER("tools"),
	[TOOL_CHOICE] = MEMBER("tool_choice"),
	[PARALLEL] = MEMBER("parallel_tool_calls"),
	[WEB_SEARCH] = MEMBER("web_search_options"),
#undef MEMBER
};

struct drop {
	struct edits *edits;
	const struct look *look;
	bool mcp_allowed;
	size_t cut; /* tools */
	const struct json_value *at[MEMBERS];
	bool goes[MEMBERS];
};

static bool
tool_goes(const struct json_value *tool, void *arg)
{
	const struct drop *d = arg;
	enum tool_kind kind = tool_kind(tool, d->look->dialect);

	return kind != TOOL_CLIENT && !(kind == TOOL_MCP && d->mcp_allowed);
}

static bool
member_goes(const struct json_value *member, void *arg)
{
	const struct drop *d = arg;
	size_t i;

	for (i = 0; i < MEMBERS; i++)
		if (d->goes[i] && d->at[i] == member)
			return true;
	return false;
}

/* A namespace has tools of its own. */
static void
cut_list(struct drop *d, const struct json_value *list)
{
	const struct json_value *tool;

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (tool = list->first; tool != NULL; tool = tool->next)
		if (!tool_goes(tool, d))
			cut_list(d, json_find(tool, "tools"));
	d->cut += edits_cut(d->edits, list, tool_goes, d);
}

/* All of the list goes with its key; true when it does. */
static bool
is_hopeless(struct drop *d, const struct json_value *list)
{
	const struct json_value *tool;

	if (list == NULL || list->type != JSON_ARRAY || list->count == 0)
		return false;
	for (tool = list->first; tool != NULL; tool = tool->next)
		if (!tool_goes(tool, d))
			return false;
	d->cut += list->count;
	return true;
}

/* Responses may bring tools along as items of its input. */
static void
cut_items(struct drop *d, const struct json_value *input)
{
	const struct json_value *item;

	if (input == NULL || input->type != JSON_ARRAY)
		return;
	for (item = input->first; item != NULL; item = item->next)
		cut_list(d, json_find(item, "tools"));
}

static void
cut_tools(struct drop *d)
{
	const struct json_value *search = d->at[WEB_SEARCH];

	d->goes[WEB_SEARCH] = search != NULL && search->type != JSON_NULL;
	d->goes[TOOLS] = is_hopeless(d, d->at[TOOLS]);
	if (!d->goes[TOOLS])
		cut_list(d, d->at[TOOLS]);
	if (d->look->dialect == DIALECT_RESPONSES)
		cut_items(d, json_find(d->edits->root, "input"));
}

static size_t
listed(const struct drop *d)
{
	const size_t *tools = d->look->tools;

	return tools[TOOL_HOSTED] + tools[TOOL_CONTAINER] +
	       (d->mcp_allowed ? 0 : tools[TOOL_MCP]);
}

static bool
may_do_without(const struct drop *d, bool alone, const char **why)
{
	struct tool_choice choice;

	*why = "tool_choice must be a string or an object";
	if (!tool_choice_read(&choice, d->edits->root, d->look->dialect))
		return false;
	*why = "tool_choice insists on a tool that the provider would run, and "
	       "this group leaves those out: name one of your own, or none";
	return !choice.names_hosted && (!alone || choice.mode == CHOICE_AUTO ||
					   choice.mode == CHOICE_NONE);
}

bool
hosted_drop(struct edits *e, const struct look *look, bool mcp_allowed,
    bool *dropped, const char **why)
{
	struct drop d = { .edits = e,
		.look = look,
		.mcp_allowed = mcp_allowed };
	bool alone = look->tools[TOOL_CLIENT] == 0 &&
		     (!mcp_allowed || look->tools[TOOL_MCP] == 0);

	json_pick(e->root, members, MEMBERS, d.at);
	cut_tools(&d);
	*dropped = d.cut > 0 || d.goes[WEB_SEARCH];
	*why = "tools that the provider would run stand where they cannot be "
	       "left out, as this group does: list them in tools";
	if (d.cut != listed(&d) ||
	    (*dropped && !may_do_without(&d, alone, why)))
		return false;
	*why = NULL;
	d.goes[TOOL_CHOICE] = d.goes[PARALLEL] = *dropped && alone;
	edits_cut(e, e->root, member_goes, &d);
	return true;
}
