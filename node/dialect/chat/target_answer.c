#include "common/base/crypto.h"
#include "common/format/json.h"
#include "node/dialect/chat/chat.h"

/*
 * A choice's delta, or a whole message: reasoning, text, refusal and calls,
 * by keys of their own; calls by their index.  What is said of one kind after
 * another opens a new block; calls stay open side by side.
 */
#define KEY_TEXT     (-1)
#define KEY_REFUSAL  (-2)
#define KEY_THINKING (-3)
#define KEY_LEGACY   (-4)
#define KEY_NO_INDEX 1000000 /* and on: calls without an index, in order */

static const struct {
	const char *name;
	enum finish finish;
} finishes[] = {
	{ "stop", FINISH_STOP },
	{ "eos", FINISH_STOP },
	{ "length", FINISH_LENGTH },
	{ "model_length", FINISH_LENGTH },
	{ "tool_calls", FINISH_CALLS },
	{ "function_call", FINISH_CALLS },
	{ "content_filter", FINISH_FILTER },
};

static void
close_texts(struct hearing *h)
{
	hearing_close(h, hearing_find(h, KEY_TEXT));
	hearing_close(h, hearing_find(h, KEY_REFUSAL));
	hearing_close(h, hearing_find(h, KEY_THINKING));
}

static void
hear_text(struct hearing *h, int64_t key, enum block_kind what,
    const struct json_value *v)
{
	struct slice text = inside_of(v);
	struct heard *b;

	if (text.len == 0)
		return;
	b = hearing_find(h, key);
	if (b == NULL) {
		close_texts(h);
		b = hearing_open(h, key, what, slice_of(""), slice_of(""));
	}
	hearing_text(h, b, text);
}

/*
 * By its index; one without is the call of that id, or a new one when it has
 * a name, or else more of the last.
 */
static int64_t
key_of(const struct hearing *h, const struct json_value *call, bool named)
{
	int64_t index = number_of(json_find(call, "index"), -1);

	if (index >= 0 && index < KEY_NO_INDEX)
		return index;
	return KEY_NO_INDEX + h->blocks - (named || h->blocks == 0 ? 0 : 1);
}

static void
hear_call(struct hearing *h, const struct json_value *call)
{
	const struct json_value *custom = json_find(call, "custom");
	const struct json_value *f =
	    custom != NULL ? custom : json_find(call, "function");
	struct slice name = inside_of(json_find(f, "name"));
	struct slice id = inside_of(json_find(call, "id"));
	int64_t key = key_of(h, call, name.len > 0);
	struct heard *b = hearing_find(h, key);
	const struct json_value *text =
	    json_find(f, custom != NULL ? "input" : "arguments");

	/* Some servers give every call the same index. */
	if (b != NULL && id.len > 0 &&
	    b->id != crypto_short_hash(id.ptr, id.len)) {
		hearing_close(h, b);
		b = NULL;
	}
	if (b == NULL && name.len == 0)
		return; /* nothing is known of it yet */
	if (b == NULL) {
		close_texts(h);
		b = hearing_open(h, key,
		    custom != NULL ? BLOCK_CUSTOM : BLOCK_CALL, id, name);
	}
	hearing_text(h, b, inside_of(text));
}

static void
hear_message(struct hearing *h, const struct json_value *m)
{
	const struct json_value *calls = json_find(m, "tool_calls"), *v;
	const struct json_value *legacy = json_find(m, "function_call");
	struct slice name = inside_of(json_find(legacy, "name"));

	v = json_find(m, "reasoning_content");
	if (inside_of(v).len == 0)
		v = json_find(m, "reasoning");
	hear_text(h, KEY_THINKING, BLOCK_THINKING, v);
	hear_text(h, KEY_TEXT, BLOCK_TEXT, json_find(m, "content"));
	hear_text(h, KEY_REFUSAL, BLOCK_REFUSAL, json_find(m, "refusal"));
	if (calls != NULL && calls->type == JSON_ARRAY)
		for (v = calls->first; v != NULL; v = v->next)
			hear_call(h, v);
	if (name.len > 0 && hearing_find(h, KEY_LEGACY) == NULL)
		(void)hearing_open(h, KEY_LEGACY, BLOCK_CALL, name, name);
	if (legacy != NULL)
		hearing_text(h, hearing_find(h, KEY_LEGACY),
		    inside_of(json_find(legacy, "arguments")));
}

static void
hear_finish(struct hearing *h, const struct json_value *reason)
{
	size_t i;

	if (reason == NULL || reason->type != JSON_STRING || h->ended)
		return;
	for (i = 0; i < count_of(finishes); i++)
		if (value_is(reason, finishes[i].name))
			hearing_will_finish(h, finishes[i].finish,
			    slice_of(""));
	/* A word of its own is a stop like any other. */
	if (!h->ended)
		hearing_will_finish(h, FINISH_STOP, slice_of(""));
}

static void
hear_choice(struct hearing *h, const struct json_value *root, const char *what)
{
	const struct json_value *choices = json_find(root, "choices");
	const struct json_value *c =
	    choices != NULL && choices->type == JSON_ARRAY ? choices->first
							   : NULL;

	if (c == NULL)
		return; /* Azure's first, and the last with usage */
	hearing_start(h, inside_of(json_find(root, "model")));
	hear_message(h, json_find(c, what));
	hear_finish(h, json_find(c, "finish_reason"));
}

static void
hear(struct hearing *h, const struct json_value *root)
{
	hear_choice(h, root, "delta");
}

static void
hear_whole(struct hearing *h, const struct json_value *root)
{
	hear_choice(h, root, "message");
}

const struct target_face chat_target = {
	.dialect = DIALECT_CHAT,
	.write = chat_write,
	.hear = hear,
	.hear_whole = hear_whole,
};
