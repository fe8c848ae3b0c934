/*
 * A turn as a Responses request.  What stays alike from call to call comes
 * first, so that a provider's prompt cache meets it: the tools, then the
 * input with its system messages in their places (never `instructions`, for
 * a later one has no other place).
 */
#include "common/format/weave.h"
#include "node/dialect/responses/responses.h"

#define OUTPUT_CAP_MIN 16 /* tokens; less is refused */

static void
put_function(struct weave *w, const struct tool *tool)
{
	static const char none[] = "{\"type\":\"object\",\"properties\":{}}";

	json_key(&w->json, "parameters");
	weave_raw(w, tool->schema.len > 0 ? tool->schema : slice_of(none));
	/* Without it this dialect means true, which others do not. */
	json_key(&w->json, "strict");
	weave_raw(w, tool->strict.len > 0 ? tool->strict : slice_of("false"));
}

static void
put_format(struct weave *w, const struct tool *tool)
{
	if (tool->definition.len == 0)
		return;
	json_key(&w->json, "format");
	json_open(&w->json, '{');
	json_field_text(&w->json, "type", slice_of("grammar"));
	weave_field(w, "syntax", tool->syntax);
	weave_field(w, "definition", tool->definition);
	json_close(&w->json, '}');
}

static void
put_tool(struct weave *w, const struct tool *tool)
{
	bool custom = tool->kind == TOOL_CUSTOM;

	json_open(&w->json, '{');
	json_field_text(&w->json, "type",
	    slice_of(custom ? "custom" : "function"));
	json_field_text(&w->json, "name", tool->wire);
	weave_field(w, "description", tool->description);
	if (custom)
		put_format(w, tool);
	else
		put_function(w, tool);
	json_close(&w->json, '}');
}

static void
put_choice(struct weave *w, const struct turn *t)
{
	static const char *const words[] = { [CHOICE_AUTO] = "auto",
		[CHOICE_NONE] = "none",
		[CHOICE_ANY] = "required" };

	if (t->choice == CHOICE_UNSET)
		return;
	json_key(&w->json, "tool_choice");
	if (t->choice != CHOICE_ONE) {
		json_put_text(&w->json, slice_of(words[t->choice]));
		return;
	}
	json_open(&w->json, '{');
	json_field_text(&w->json, "type",
	    slice_of(t->chosen->kind == TOOL_CUSTOM ? "custom" : "function"));
	json_field_text(&w->json, "name", t->chosen->wire);
	json_close(&w->json, '}');
}

static bool
is_written(const struct tool *tool)
{
	return tool->kind != TOOL_HOSTED;
}

static void
put_tools(struct weave *w, const struct turn *t)
{
	const struct tool *tool = t->tools;

	while (tool != NULL && !is_written(tool))
		tool = tool->next;
	if (tool == NULL)
		return;
	json_key(&w->json, "tools");
	json_open(&w->json, '[');
	for (; tool != NULL; tool = tool->next)
		if (is_written(tool))
			put_tool(w, tool);
	json_close(&w->json, ']');
	put_choice(w, t);
	if (t->parallel != TO_UNSET)
		json_field_bool(&w->json, "parallel_tool_calls",
		    t->parallel == TO_YES);
}

/* Not every model that reasons can be told not to, but all know low. */
static const char *
effort(const struct turn *t)
{
	if (t->effort != EFFORT_UNSET)
		return effort_name(t->effort);
	if (t->thinking_off)
		return effort_name(EFFORT_LOW);
	if (t->thinking_budget > 0)
		return effort_name(effort_of_budget(t->thinking_budget));
	return NULL;
}

static void
put_reasoning(struct weave *w, const struct turn *t)
{
	const char *word = effort(t);
	bool shown = t->thoughts_shown == TO_YES;

	json_key(&w->json, "include");
	json_put_raw(&w->json, slice_of("[\"reasoning.encrypted_content\"]"));
	if (word == NULL && !shown)
		return;
	json_key(&w->json, "reasoning");
	json_open(&w->json, '{');
	if (word != NULL)
		json_field_text(&w->json, "effort", slice_of(word));
	if (shown)
		json_field_text(&w->json, "summary", slice_of("auto"));
	json_close(&w->json, '}');
}

static void
put_schema(struct weave *w, const struct turn *t)
{
	bool named = t->format_name.len > 0;

	json_field_text(&w->json, "type", slice_of("json_schema"));
	weave_field(w, "name",
	    named ? t->format_name : slice_of("\"response\""));
	weave_field(w, "description", t->format_description);
	weave_field(w, "schema",
	    t->format_schema.len > 0 ? t->format_schema : slice_of("{}"));
	weave_field(w, "strict", t->format_strict);
}

static void
put_text(struct weave *w, const struct turn *t)
{
	if (t->format == FORMAT_TEXT && t->verbosity.len == 0)
		return;
	json_key(&w->json, "text");
	json_open(&w->json, '{');
	if (t->format != FORMAT_TEXT) {
		json_key(&w->json, "format");
		json_open(&w->json, '{');
		if (t->format == FORMAT_JSON)
			json_field_text(&w->json, "type",
			    slice_of("json_object"));
		else
			put_schema(w, t);
		json_close(&w->json, '}');
	}
	weave_field(w, "verbosity", t->verbosity);
	json_close(&w->json, '}');
}

/* Models that reason refuse to be told how to sample. */
static void
put_sampling(struct weave *w, const struct turn *t)
{
	weave_field(w, "temperature", t->temperature);
	weave_field(w, "top_p", t->top_p);
}

static void
put_labels(struct weave *w, const struct turn *t)
{
	weave_field(w, "metadata", t->metadata);
	target_put_labels(w, t);
}

void
responses_write(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	json_open(&w->json, '{');
	json_field_text(&w->json, "model", terms->model);
	if (t->stream)
		json_field_bool(&w->json, "stream", true);
	json_field_bool(&w->json, "store", false);
	put_tools(w, t);
	if (terms->reasons)
		put_reasoning(w, t);
	else
		put_sampling(w, t);
	put_text(w, t);
	if (terms->output_cap > 0)
		json_field_int(&w->json, "max_output_tokens",
		    max_i64(terms->output_cap, OUTPUT_CAP_MIN));
	put_labels(w, t);
	json_key(&w->json, "input");
	responses_write_input(w, t);
	json_close(&w->json, '}');
}
