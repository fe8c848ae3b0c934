#include "node/blob.h"

#include "common/format/json.h"
#include "common/llm/splice.h"
#include "node/dialect/raw.h"

static const struct {
	enum dialect dialect;
	const char *type, *key;
} kinds[] = {
	{ DIALECT_MESSAGES, "thinking", "signature" },
	{ DIALECT_MESSAGES, "redacted_thinking", "data" },
	{ DIALECT_MESSAGES, "signature_delta", "signature" },
	{ DIALECT_RESPONSES, "reasoning", "encrypted_content" },
	{ DIALECT_RESPONSES, "compaction", "encrypted_content" },
};

struct walk {
	enum dialect dialect;
	void (*each)(void *arg, const struct blob *blob);
	void *arg;
};

#define EMPTY_STRING 2  /* bytes of "" */
#define OUR_ID_BYTES 30 /* up to the number */

const struct json_value *
blob_of(const struct json_value *holder, enum dialect dialect)
{
	char room[JSON_WORD_MAX];
	struct slice type = json_word(json_find(holder, "type"), room);
	const struct json_value *value;
	size_t i;

	for (i = 0; i < count_of(kinds); i++) {
		if (kinds[i].dialect != dialect ||
		    !slice_is(type, kinds[i].type))
			continue;
		value = json_find(holder, kinds[i].key);
		if (value != NULL && value->type == JSON_STRING &&
		    value->raw.len > EMPTY_STRING)
			return value;
	}
	return NULL;
}

static void
look(const struct walk *w, struct blob blob)
{
	blob.value = blob_of(blob.holder, w->dialect);
	if (blob.value != NULL)
		w->each(w->arg, &blob);
}

static void
look_alone(const struct walk *w, const struct json_value *holder)
{
	look(w, (struct blob){ .holder = holder });
}

static void
look_through(const struct walk *w, const struct json_value *list,
    const struct json_value *message)
{
	const struct json_value *v;

	if (list == NULL || list->type != JSON_ARRAY)
		return;
	for (v = list->first; v != NULL; v = v->next)
		look(w, (struct blob){ .holder = v,
			    .list = list,
			    .message = message });
}

static void
messages_request(const struct walk *w, const struct json_value *root)
{
	const struct json_value *messages = json_find(root, "messages"), *m;

	if (messages == NULL || messages->type != JSON_ARRAY)
		return;
	for (m = messages->first; m != NULL; m = m->next)
		look_through(w, json_find(m, "content"), m);
}

static void
messages_answer(const struct walk *w, const struct json_value *root)
{
	look_through(w, json_find(root, "content"), NULL);
	look_through(w, json_find(json_find(root, "message"), "content"), NULL);
	look_alone(w, json_find(root, "content_block"));
	look_alone(w, json_find(root, "delta"));
}

static void
responses_answer(const struct walk *w, const struct json_value *root)
{
	look_through(w, json_find(root, "output"), NULL);
	look_through(w, json_find(json_find(root, "response"), "output"), NULL);
	look_alone(w, json_find(root, "item"));
}

void
blob_each(const struct json_value *root, enum dialect dialect, bool request,
    void (*each)(void *arg, const struct blob *blob), void *arg)
{
	const struct walk w = { dialect, each, arg };

	if (dialect == DIALECT_MESSAGES && request)
		messages_request(&w, root);
	else if (dialect == DIALECT_MESSAGES)
		messages_answer(&w, root);
	else if (dialect == DIALECT_RESPONSES && request)
		look_through(&w, json_find(root, "input"), NULL);
	else if (dialect == DIALECT_RESPONSES)
		responses_answer(&w, root);
}

struct cutting {
	struct edits *edits;
	enum dialect dialect;
	bool (*goes)(void *arg, const struct json_value *blob);
	void *arg;
	size_t count;
};

/* "rs_", a request's ULID, "_" and a number: an item that was told here. */
static bool
is_our_id(struct slice id)
{
	size_t i;

	if (!slice_starts(id, "rs_") || id.len < OUR_ID_BYTES ||
	    id.ptr[OUR_ID_BYTES - 1] != '_')
		return false;
	for (i = 3; i < OUR_ID_BYTES - 1; i++)
		if (id.ptr[i] == '_')
			return false;
	return true;
}

/*
 * Thinking of a server that has no blobs, as it was told to the caller: who
 * has them refuses it, since nothing vouches for it.
 */
static bool
is_bare(const struct json_value *holder, enum dialect dialect)
{
	const struct json_value *type = json_find(holder, "type");

	if (dialect == DIALECT_MESSAGES)
		return json_is(type, "thinking");
	return json_is(type, "reasoning") &&
	       is_our_id(inside_of(json_find(holder, "id")));
}

static bool
holder_goes(const struct json_value *holder, void *arg)
{
	struct cutting *c = arg;
	const struct json_value *blob = blob_of(holder, c->dialect);

	return blob != NULL ? c->goes(c->arg, blob)
			    : is_bare(holder, c->dialect);
}

static bool
all_go(const struct json_value *list, struct cutting *c)
{
	const struct json_value *v;

	for (v = list->first; v != NULL; v = v->next)
		if (!holder_goes(v, c))
			return false;
	return list->count > 0;
}

/* Either the message goes or some of its blocks: edits never overlap. */
static bool
message_goes(const struct json_value *message, void *arg)
{
	const struct json_value *content = json_find(message, "content");
	struct cutting *c = arg;
	bool whole;

	if (content == NULL || content->type != JSON_ARRAY)
		return false;
	whole = all_go(content, c);
	c->count += whole ? content->count
			  : edits_cut(c->edits, content, holder_goes, c);
	return whole;
}

size_t
blob_cut(struct edits *e, enum dialect dialect,
    bool (*goes)(void *arg, const struct json_value *blob), void *arg)
{
	bool messages = dialect == DIALECT_MESSAGES;
	const struct json_value *list =
	    json_find(e->root, messages ? "messages" : "input");
	struct cutting c = { e, dialect, goes, arg, 0 };

	if (list == NULL || list->type != JSON_ARRAY)
		return 0;
	if (!messages)
		return edits_cut(e, list, holder_goes, &c);
	edits_cut(e, list, message_goes, &c);
	return c.count;
}

static bool
has_block(const struct json_value *message, const char *type)
{
	const struct json_value *v = json_find(message, "content");

	for (v = v != NULL ? v->first : NULL; v != NULL; v = v->next)
		if (json_is(json_find(v, "type"), type))
			return true;
	return false;
}

static bool
begins_with_thinking(const struct json_value *message)
{
	const struct json_value *first = json_find(message, "content")->first;
	const struct json_value *type = json_find(first, "type");

	return json_is(type, "thinking") || json_is(type, "redacted_thinking");
}

bool
blob_loop_is_bare(const struct json_value *root)
{
	const struct json_value *thinking = json_find(root, "thinking");
	const struct json_value *m = json_find(root, "messages"), *last = NULL;

	if (!json_is(json_find(thinking, "type"), "enabled"))
		return false;
	for (m = m != NULL ? m->first : NULL; m != NULL; m = m->next)
		if (has_block(m, "tool_use"))
			last = m;
		else if (!has_block(m, "tool_result"))
			last = NULL;
	return last != NULL && !begins_with_thinking(last);
}
