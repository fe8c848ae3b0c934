/*
 * A provider's answer, heard.  A stream tells of items by their place in the
 * output: begun, in pieces, done with all of it; servers differ in how much of
 * that they send.  A block opens with the first of its text (a call: with its
 * name), and an item that is done supplies what was not said in pieces.
 */
#include "common/format/json.h"
#include "node/dialect/responses/responses.h"

#define PARAGRAPH_BREAK "\\n\\n" /* inside a string */
#define PARTS_MAX       256      /* of an item; they share its last block */

/* What a piece of reasoning is of: a part of the summary or of the text. */
#define OF_SUMMARY 0
#define OF_TEXT    PARTS_MAX

static struct slice
nothing(void)
{
	return slice_make(NULL, 0);
}

/*
 * The item's place; without one it is the item under way.  -1, and broken,
 * when there cannot be so many.
 */
static int64_t
item_at(struct hearing *h, const struct json_value *event)
{
	int64_t at = number_of(json_find(event, "output_index"), h->item);

	if (at >= 0 && at < BLOCKS_MAX)
		return h->item = at;
	h->broken = true;
	return -1;
}

static bool
is_done(const struct hearing *h, int64_t item)
{
	return item < 0 || ((h->done[item / 64] >> (item % 64)) & 1) != 0;
}

/* Blocks of an item: one, or of a message one for each of its parts. */
static int64_t
key_of(int64_t item, int64_t part)
{
	if (part < 0 || part >= PARTS_MAX)
		part = PARTS_MAX - 1;
	return item * PARTS_MAX + part;
}

static struct heard *
block(struct hearing *h, int64_t key, enum block_kind what)
{
	struct heard *b = hearing_find(h, key);

	if (b == NULL)
		b = hearing_open(h, key, what, nothing(), nothing());
	return b != NULL && b->what == what ? b : NULL;
}

static void
hear_words(struct hearing *h, int64_t key, enum block_kind what,
    struct slice text)
{
	if (text.len > 0)
		hearing_text(h, block(h, key, what), text);
}

/* All of it, when none of it was said in pieces. */
static void
hear_rest(struct hearing *h, int64_t key, enum block_kind what,
    struct slice text)
{
	const struct heard *b = hearing_find(h, key);

	if (b == NULL || !b->some)
		hear_words(h, key, what, text);
}

/* Parts of a summary are paragraphs; beside a summary, the text of the
 * reasoning itself is left out, and the other way round. */
static void
hear_thought(struct hearing *h, int64_t item, int64_t part, struct slice text)
{
	struct heard *b = hearing_find(h, key_of(item, 0));

	if (text.len == 0)
		return;
	if (b != NULL && b->some) {
		if ((b->part < OF_TEXT) != (part < OF_TEXT))
			return;
		if (b->part != part)
			hearing_text(h, b, slice_of(PARAGRAPH_BREAK));
	}
	b = block(h, key_of(item, 0), BLOCK_THINKING);
	if (b == NULL)
		return;
	b->part = part;
	hearing_text(h, b, text);
}

/* Known whole: heard already, if its pieces were. */
static void
hear_whole_thought(struct hearing *h, int64_t item, int64_t part,
    struct slice text)
{
	const struct heard *b = hearing_find(h, key_of(item, 0));

	if (b == NULL || !b->some || b->part < part)
		hear_thought(h, item, part, text);
}

static void
open_call(struct hearing *h, int64_t at, const struct json_value *item,
    enum block_kind what)
{
	struct slice id = inside_of(json_find(item, "call_id")),
		     name = inside_of(json_find(item, "name"));

	if (id.len == 0)
		id = inside_of(json_find(item, "id"));
	if (name.len > 0 && hearing_find(h, key_of(at, 0)) == NULL)
		hearing_open(h, key_of(at, 0), what, id, name);
}

static void
item_call(struct hearing *h, int64_t at, const struct json_value *item,
    enum block_kind what)
{
	struct heard *b;

	open_call(h, at, item, what);
	b = hearing_find(h, key_of(at, 0));
	if (b != NULL && !b->some)
		hearing_text(h, b,
		    inside_of(json_find(item,
			what == BLOCK_CUSTOM ? "input" : "arguments")));
}

static void
item_function(struct hearing *h, int64_t at, const struct json_value *item)
{
	item_call(h, at, item, BLOCK_CALL);
}

static void
item_custom(struct hearing *h, int64_t at, const struct json_value *item)
{
	item_call(h, at, item, BLOCK_CUSTOM);
}

static void
item_message(struct hearing *h, int64_t at, const struct json_value *item)
{
	const struct json_value *list = json_find(item, "content"), *part;
	int64_t n = 0;

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (part = list->first; part != NULL; part = part->next, n++) {
		hear_rest(h, key_of(at, n), BLOCK_TEXT,
		    inside_of(json_find(part, "text")));
		hear_rest(h, key_of(at, n), BLOCK_REFUSAL,
		    inside_of(json_find(part, "refusal")));
	}
}

static void
item_thoughts(struct hearing *h, int64_t at, const struct json_value *list,
    int64_t of)
{
	const struct json_value *part;

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (part = list->first; part != NULL; part = part->next, of++)
		hear_whole_thought(h, at, of,
		    inside_of(json_find(part, "text")));
}

static void
item_reasoning(struct hearing *h, int64_t at, const struct json_value *item)
{
	struct slice blob = inside_of(json_find(item, "encrypted_content"));

	item_thoughts(h, at, json_find(item, "summary"), OF_SUMMARY);
	item_thoughts(h, at, json_find(item, "content"), OF_TEXT);
	if (blob.len > 0)
		hearing_blob(h, block(h, key_of(at, 0), BLOCK_THINKING),
		    BLOB_ENCRYPTED, blob);
}

/* Those of tools that the provider ran itself are nobody's. */
static const struct {
	const char *type;
	void (*hear)(struct hearing *h, int64_t at,
	    const struct json_value *item);
} items[] = {
	{ "message", item_message },
	{ "reasoning", item_reasoning },
	{ "function_call", item_function },
	{ "custom_tool_call", item_custom },
};

static void
close_item(struct hearing *h, int64_t at)
{
	size_t i;

	for (i = 0; i < h->count; i++)
		if (h->list[i].key / PARTS_MAX == at)
			hearing_close(h, &h->list[i]);
	h->done[at / 64] |= (uint64_t)1 << (at % 64);
}

static void
hear_item(struct hearing *h, int64_t at, const struct json_value *item)
{
	const struct json_value *type = json_find(item, "type");
	size_t i;

	if (is_done(h, at))
		return;
	for (i = 0; i < count_of(items); i++)
		if (value_is(type, items[i].type))
			items[i].hear(h, at, item);
	close_item(h, at);
}

static void
hear_output(struct hearing *h, const struct json_value *response)
{
	const struct json_value *list = json_find(response, "output"), *item;
	int64_t at = 0;

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (item = list->first; item != NULL && at < BLOCKS_MAX;
	     item = item->next, at++)
		hear_item(h, at, item);
	h->broken |= item != NULL;
}

static void
hear_finish(struct hearing *h, const struct json_value *response)
{
	const struct json_value *reason =
	    json_find(json_find(response, "incomplete_details"), "reason");

	if (value_is(json_find(response, "status"), "incomplete"))
		hearing_will_finish(h,
		    value_is(reason, "content_filter") ? FINISH_FILTER
						       : FINISH_LENGTH,
		    nothing());
	else
		hearing_will_finish(h, FINISH_STOP, nothing());
}

static void
on_begin(struct hearing *h, const struct json_value *event)
{
	hearing_start(h,
	    inside_of(json_find(json_find(event, "response"), "model")));
}

static void
on_added(struct hearing *h, const struct json_value *event)
{
	const struct json_value *item = json_find(event, "item");
	const struct json_value *type = json_find(item, "type");
	int64_t at;

	/* Without a place: the next one. */
	if (json_find(event, "output_index") == NULL && h->started)
		while (h->item < BLOCKS_MAX && is_done(h, h->item))
			h->item++;
	at = item_at(h, event);
	if (at < 0)
		return;
	/* Some servers give all items the same place, one after the other. */
	h->done[at / 64] &= ~((uint64_t)1 << (at % 64));
	if (value_is(type, "function_call"))
		open_call(h, at, item, BLOCK_CALL);
	else if (value_is(type, "custom_tool_call"))
		open_call(h, at, item, BLOCK_CUSTOM);
}

static void
on_item_done(struct hearing *h, const struct json_value *event)
{
	int64_t at = item_at(h, event);

	if (at >= 0)
		hear_item(h, at, json_find(event, "item"));
}

static void
on_end(struct hearing *h, const struct json_value *event)
{
	const struct json_value *response = json_find(event, "response");

	hearing_start(h, inside_of(json_find(response, "model")));
	/* Its places need not be those of the stream. */
	if (h->blocks == 0)
		hear_output(h, response);
	hear_finish(h, response);
}

/* Events that carry text, of a piece or of all. */
static const struct piece {
	const char *type;
	const char *field, *index;
	enum block_kind what;
	int64_t of; /* THINKING */
	bool all;
} pieces[] = {
	{ "response.output_text.delta", "delta", "content_index", BLOCK_TEXT, 0,
	    false },
	{ "response.function_call_arguments.delta", "delta", NULL, BLOCK_CALL,
	    0, false },
	{ "response.custom_tool_call_input.delta", "delta", NULL, BLOCK_CUSTOM,
	    0, false },
	{ "response.reasoning_summary_text.delta", "delta", "summary_index",
	    BLOCK_THINKING, OF_SUMMARY, false },
	{ "response.reasoning_text.delta", "delta", "content_index",
	    BLOCK_THINKING, OF_TEXT, false },
	{ "response.refusal.delta", "delta", "content_index", BLOCK_REFUSAL, 0,
	    false },
	{ "response.output_text.done", "text", "content_index", BLOCK_TEXT, 0,
	    true },
	{ "response.function_call_arguments.done", "arguments", NULL,
	    BLOCK_CALL, 0, true },
	{ "response.custom_tool_call_input.done", "input", NULL, BLOCK_CUSTOM,
	    0, true },
	{ "response.reasoning_summary_text.done", "text", "summary_index",
	    BLOCK_THINKING, OF_SUMMARY, true },
	{ "response.reasoning_text.done", "text", "content_index",
	    BLOCK_THINKING, OF_TEXT, true },
	{ "response.refusal.done", "refusal", "content_index", BLOCK_REFUSAL, 0,
	    true },
};

static void
hear_call(struct hearing *h, int64_t at, const struct piece *p,
    struct slice text)
{
	struct heard *b = hearing_find(h, key_of(at, 0));

	/* One without a name is supplied when it is done. */
	if (b != NULL && b->what == p->what && !(p->all && b->some))
		hearing_text(h, b, text);
}

static void
hear_piece(struct hearing *h, const struct piece *p,
    const struct json_value *event)
{
	int64_t at = item_at(h, event), index = 0;
	struct slice text = inside_of(json_find(event, p->field));

	if (is_done(h, at))
		return;
	if (p->index != NULL)
		index = number_of(json_find(event, p->index), 0);
	if (block_is_call(p->what))
		hear_call(h, at, p, text);
	else if (p->what != BLOCK_THINKING && p->all)
		hear_rest(h, key_of(at, index), p->what, text);
	else if (p->what != BLOCK_THINKING)
		hear_words(h, key_of(at, index), p->what, text);
	else if (index < 0 || index >= PARTS_MAX)
		h->broken = true;
	else if (p->all)
		hear_whole_thought(h, at, p->of + index, text);
	else
		hear_thought(h, at, p->of + index, text);
}

static const struct {
	const char *type;
	void (*hear)(struct hearing *h, const struct json_value *event);
} events[] = {
	{ "response.created", on_begin },
	{ "response.queued", on_begin },
	{ "response.in_progress", on_begin },
	{ "response.output_item.added", on_added },
	{ "response.output_item.done", on_item_done },
	{ "response.completed", on_end },
	{ "response.incomplete", on_end },
};

void
responses_hear(struct hearing *h, const struct json_value *root)
{
	const struct json_value *type = json_find(root, "type");
	size_t i;

	for (i = 0; i < count_of(pieces); i++)
		if (value_is(type, pieces[i].type)) {
			hear_piece(h, &pieces[i], root);
			return;
		}
	for (i = 0; i < count_of(events); i++)
		if (value_is(type, events[i].type))
			events[i].hear(h, root);
}

void
responses_hear_whole(struct hearing *h, const struct json_value *root)
{
	hearing_start(h, inside_of(json_find(root, "model")));
	hear_output(h, root);
	hear_finish(h, root);
}

const struct target_face responses_target = {
	.dialect = DIALECT_RESPONSES,
	.write = responses_write,
	.hear = responses_hear,
	.hear_whole = responses_hear_whole,
};
