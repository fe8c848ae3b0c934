#include <stdlib.h>

#include "common/format/json.h"
#include "node/dialect/messages/messages.h"

#define INPUT_MAX (64u << 20) /* bytes of a call's escaped arguments */

static const struct {
	const char *word;
	enum finish finish;
} reasons[] = {
	{ "end_turn", FINISH_STOP },
	{ "max_tokens", FINISH_LENGTH },
	{ "stop_sequence", FINISH_SEQUENCE },
	{ "tool_use", FINISH_CALLS },
	{ "pause_turn", FINISH_PAUSE },
	{ "refusal", FINISH_REFUSAL },
	{ "model_context_window_exceeded", FINISH_LENGTH },
};

/* Of a message or a delta: some say it in both, or as null. */
static void
hear_reason(struct hearing *h, const struct json_value *object)
{
	const struct json_value *reason = json_find(object, "stop_reason");
	enum finish finish = FINISH_STOP; /* also of words yet unknown */
	size_t i;

	if (reason == NULL || reason->type != JSON_STRING)
		return;
	for (i = 0; i < count_of(reasons); i++)
		if (value_is(reason, reasons[i].word))
			finish = reasons[i].finish;
	hearing_will_finish(h, finish,
	    inside_of(json_find(object, "stop_sequence")));
}

/* An object as text that stands inside of a string. */
static void
hear_input(struct hearing *h, struct heard *b, const struct json_value *input)
{
	struct buf escaped;

	buf_init(&escaped, INPUT_MAX);
	json_escape(&escaped, input->raw);
	if (escaped.failed)
		h->broken = true;
	else
		hearing_text(h, b, buf_slice(&escaped));
	buf_fini(&escaped);
}

static void
start_text(struct hearing *h, int64_t key, const struct json_value *block)
{
	struct slice none = slice_make(NULL, 0);

	hearing_text(h, hearing_open(h, key, BLOCK_TEXT, none, none),
	    inside_of(json_find(block, "text")));
}

static void
start_thinking(struct hearing *h, int64_t key, const struct json_value *block)
{
	struct slice none = slice_make(NULL, 0);
	struct heard *b = hearing_open(h, key, BLOCK_THINKING, none, none);

	hearing_text(h, b, inside_of(json_find(block, "thinking")));
	hearing_blob(h, b, BLOB_SIGNATURE,
	    inside_of(json_find(block, "signature")));
}

static void
start_redacted(struct hearing *h, int64_t key, const struct json_value *block)
{
	struct slice none = slice_make(NULL, 0);
	struct heard *b = hearing_open(h, key, BLOCK_THINKING, none, none);

	hearing_blob(h, b, BLOB_REDACTED, inside_of(json_find(block, "data")));
}

/*
 * Arguments that come with the start are all of them: the block is closed, so
 * that deltas that say them again find none.
 */
static void
start_call(struct hearing *h, int64_t key, const struct json_value *block)
{
	const struct json_value *input = json_find(block, "input");
	struct heard *b =
	    hearing_open(h, key, BLOCK_CALL, inside_of(json_find(block, "id")),
		inside_of(json_find(block, "name")));

	if (b == NULL || input == NULL || input->type != JSON_OBJECT ||
	    input->count == 0)
		return;
	hear_input(h, b, input);
	hearing_close(h, b);
}

/* The provider's own tools and what is unknown are not told: no block. */
static const struct {
	const char *type;
	enum block_kind what;
	void (*start)(struct hearing *h, int64_t key,
	    const struct json_value *block);
} starts[] = {
	{ "text", BLOCK_TEXT, start_text },
	{ "thinking", BLOCK_THINKING, start_thinking },
	{ "redacted_thinking", BLOCK_THINKING, start_redacted },
	{ "tool_use", BLOCK_CALL, start_call },
};

static void
start_block(struct hearing *h, int64_t key, const struct json_value *block)
{
	const struct json_value *type = json_find(block, "type");
	struct heard *open = hearing_find(h, key);
	size_t i;

	for (i = 0; i < count_of(starts); i++) {
		if (!value_is(type, starts[i].type))
			continue;
		/* The same again, or the end of the one before is missing. */
		if (open != NULL && open->what == starts[i].what && !open->some)
			return;
		hearing_close(h, open);
		starts[i].start(h, key, block);
		return;
	}
	hearing_close(h, open);
}

/* Where a server leaves the index out, one key is as good as any. */
#define NO_INDEX (-1)

static int64_t
key_of(const struct json_value *event)
{
	return number_of(json_find(event, "index"), NO_INDEX);
}

static void
on_start(struct hearing *h, const struct json_value *event)
{
	const struct json_value *message = json_find(event, "message");

	hearing_start(h, inside_of(json_find(message, "model")));
	hear_reason(h, message);
}

static void
on_block_start(struct hearing *h, const struct json_value *event)
{
	start_block(h, key_of(event), json_find(event, "content_block"));
}

/* `opens`: this delta says of what kind its block is, had it no start. */
static const struct piece {
	const char *type, *key;
	enum block_kind what;
	bool opens;
} pieces[] = {
	{ "text_delta", "text", BLOCK_TEXT, true },
	{ "input_json_delta", "partial_json", BLOCK_CALL, false },
	{ "thinking_delta", "thinking", BLOCK_THINKING, true },
	{ "signature_delta", "signature", BLOCK_THINKING, true },
};

static void
hear_piece(struct hearing *h, int64_t key, const struct piece *p,
    struct slice text)
{
	struct slice none = slice_make(NULL, 0);
	struct heard *b = hearing_find(h, key);

	if (text.len == 0)
		return;
	if (b == NULL && p->opens)
		b = hearing_open(h, key, p->what, none, none);
	if (b == NULL || b->what != p->what)
		return;
	if (slice_is(slice_of(p->key), "signature"))
		hearing_blob(h, b, BLOB_SIGNATURE, text);
	else
		hearing_text(h, b, text);
}

static void
on_delta(struct hearing *h, const struct json_value *event)
{
	const struct json_value *delta = json_find(event, "delta");
	const struct json_value *type = json_find(delta, "type");
	size_t i;

	for (i = 0; i < count_of(pieces); i++)
		if (value_is(type, pieces[i].type))
			hear_piece(h, key_of(event), &pieces[i],
			    inside_of(json_find(delta, pieces[i].key)));
}

static void
on_block_stop(struct hearing *h, const struct json_value *event)
{
	hearing_close(h, hearing_find(h, key_of(event)));
}

static void
on_message_delta(struct hearing *h, const struct json_value *event)
{
	hear_reason(h, json_find(event, "delta"));
}

static const struct {
	const char *type;
	void (*hear)(struct hearing *h, const struct json_value *event);
} events[] = {
	{ "content_block_delta", on_delta },
	{ "content_block_start", on_block_start },
	{ "content_block_stop", on_block_stop },
	{ "message_start", on_start },
	{ "message_delta", on_message_delta },
	{ "message", messages_hear_whole },
};

void
messages_hear(struct hearing *h, const struct json_value *root)
{
	const struct json_value *type = json_find(root, "type");
	size_t i;

	for (i = 0; i < count_of(events) && !h->broken && !h->finished; i++)
		if (value_is(type, events[i].type)) {
			events[i].hear(h, root);
			return;
		}
}

void
messages_hear_whole(struct hearing *h, const struct json_value *root)
{
	const struct json_value *content = json_find(root, "content"), *block;
	int64_t key = 0;

	hearing_start(h, inside_of(json_find(root, "model")));
	block = content != NULL ? content->first : NULL;
	for (; block != NULL && !h->broken; block = block->next, key++) {
		start_block(h, key, block);
		hearing_close(h, hearing_find(h, key));
	}
	hear_reason(h, root);
}

const struct target_face messages_target = {
	.dialect = DIALECT_MESSAGES,
	.write = messages_write,
	.limits = messages_limits,
	.hear = messages_hear,
	.hear_whole = messages_hear_whole,
};
