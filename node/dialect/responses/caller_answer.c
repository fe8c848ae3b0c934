/*
 * An answer told to a Responses caller.  Each block is an item of the output,
 * told by a ladder of events: added, its part added, its text in pieces, and
 * then text, part and item once more as a whole.  All events are numbered.
 */
#include <stdio.h>

#include "node/dialect/responses/responses.h"

static const struct ladder {
	const char *delta, *done;
	const char *field; /* of the whole text */
	const char *index; /* which part; "": the item has none */
	const char *more;
	const char *part_added, *part_done;
} ladders[] = {
	[BLOCK_TEXT] = { "response.output_text.delta",
	    "response.output_text.done", "text", ",\"content_index\":0",
	    ",\"logprobs\":[]", "response.content_part.added",
	    "response.content_part.done" },
	[BLOCK_REFUSAL] = { "response.refusal.delta", "response.refusal.done",
	    "refusal", ",\"content_index\":0", "",
	    "response.content_part.added", "response.content_part.done" },
	[BLOCK_THINKING] = { "response.reasoning_summary_text.delta",
	    "response.reasoning_summary_text.done", "text",
	    ",\"summary_index\":0", "", "response.reasoning_summary_part.added",
	    "response.reasoning_summary_part.done" },
	[BLOCK_CALL] = { "response.function_call_arguments.delta",
	    "response.function_call_arguments.done", "arguments", "", "", NULL,
	    NULL },
	[BLOCK_CUSTOM] = { "response.custom_tool_call_input.delta",
	    "response.custom_tool_call_input.done", "input", "", "", NULL,
	    NULL },
};

static void
end_event(struct telling *t)
{
	buf_puts(t->out, ",\"sequence_number\":");
	buf_put_int(t->out, t->number++);
	buf_puts(t->out, "}\n\n");
}

static void
begin_item_event(struct telling *t, const struct told *b, const char *type)
{
	telling_event(t, type);
	buf_puts(t->out, ",\"item_id\":\"");
	responses_put_item_id(t, b);
	buf_puts(t->out, "\",\"output_index\":");
	buf_put_int(t->out, b->place);
	buf_puts(t->out, ladders[b->what].index);
}

static void
put_text(struct telling *t, const struct told *b, const char *field,
    struct slice text)
{
	buf_puts(t->out, ",\"");
	buf_puts(t->out, field);
	buf_puts(t->out, "\":\"");
	buf_put_slice(t->out, text);
	buf_putc(t->out, '"');
	buf_puts(t->out, ladders[b->what].more);
}

static void
tell_item(struct telling *t, const struct told *b, const char *type, bool whole)
{
	telling_event(t, type);
	buf_printf(t->out, ",\"output_index\":%u,\"item\":", b->place);
	responses_put_item(t, b, whole);
	end_event(t);
}

static void
tell_part(struct telling *t, const struct told *b, const char *type, bool whole)
{
	begin_item_event(t, b, type);
	buf_puts(t->out, ",\"part\":");
	responses_put_part(t, b, whole);
	end_event(t);
}

static void
tell_response(struct telling *t, const char *type, bool over,
    const struct usage *usage)
{
	telling_event(t, type);
	buf_puts(t->out, ",\"response\":");
	responses_put_response(t, over, usage);
	end_event(t);
}

static void
start(struct telling *t)
{
	tell_response(t, "response.created", false, NULL);
	tell_response(t, "response.in_progress", false, NULL);
}

static void
open_part(struct telling *t, struct told *b)
{
	b->shown = true;
	if (ladders[b->what].part_added != NULL)
		tell_part(t, b, ladders[b->what].part_added, false);
}

static void
open(struct telling *t, struct told *b)
{
	b->place = t->places++;
	tell_item(t, b, "response.output_item.added", false);
	/* Reasoning may turn out to have no text that is shown. */
	if (b->what != BLOCK_THINKING)
		open_part(t, b);
}

/* A search for tools is told at its end: it has no events for pieces. */
static bool
has_pieces(const struct told *b)
{
	return b->tool == NULL || !b->tool->search;
}

static void
text(struct telling *t, struct told *b, struct slice piece)
{
	if (!has_pieces(b))
		return;
	if (!b->shown)
		open_part(t, b);
	begin_item_event(t, b, ladders[b->what].delta);
	put_text(t, b, "delta", piece);
	end_event(t);
}

static void
close(struct telling *t, struct told *b)
{
	const struct ladder *l = &ladders[b->what];

	if (b->shown && has_pieces(b)) {
		begin_item_event(t, b, l->done);
		put_text(t, b, l->field, buf_slice(&b->text));
		end_event(t);
		if (l->part_done != NULL)
			tell_part(t, b, l->part_done, true);
	}
	tell_item(t, b, "response.output_item.done", true);
}

static void
end(struct telling *t, const struct usage *usage)
{
	char type[32];

	snprintf(type, sizeof(type), "response.%s", responses_status(t));
	tell_response(t, type, true, usage);
}

static void
whole(struct telling *t, const struct usage *usage)
{
	for (unsigned i = 0; i < t->count; i++)
		t->blocks[i]->place = i;
	responses_put_response(t, true, usage);
}

const struct caller_face responses_caller = {
	.dialect = DIALECT_RESPONSES,
	.keeps_text = true,
	.read = responses_read,
	.start = start,
	.open = open,
	.text = text,
	.close = close,
	.end = end,
	.whole = whole,
};
