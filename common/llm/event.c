#include "common/llm/event.h"

typedef enum scan_kind reading(struct scan *s, const struct json_value *root);

/* One type of event, and what reads it; NULL: nothing of note. */
struct typed {
	const char *type;
	reading *read;
};

bool
event_is_error(const struct json_value *root, struct slice name)
{
	return slice_is(name, "error") || is_given(json_find(root, "error")) ||
	       is_word(json_find(root, "object"), "error") ||
	       is_word(json_find(root, "type"), "error");
}

void
event_note_id(struct scan *s, struct slice raw)
{
	size_t len = raw.len - min_size(raw.len, 2);

	if (len == 0 || len >= sizeof(s->response_id) || raw.ptr[0] != '"' ||
	    memchr(raw.ptr, '\\', raw.len) != NULL)
		return;
	memcpy(s->response_id, raw.ptr + 1, len);
	s->response_id[len] = '\0';
}

size_t
event_bytes(const struct json_value *object, const char *but)
{
	const struct json_value *v;
	size_t bytes = 0;

	if (object == NULL)
		return 0;
	for (v = object->first; v != NULL; v = v->next) {
		if (slice_is(v->name, but))
			continue;
		if (v->type == JSON_STRING)
			bytes += inside_of(v).len;
		else if (v->count > 0)
			bytes += v->raw.len;
	}
	return bytes;
}

static void
note_id(struct scan *s, const struct json_value *answer)
{
	const struct json_value *id = json_find(answer, "id");

	if (id != NULL)
		event_note_id(s, id->raw);
}

static bool
note_usage(struct scan *s, const struct json_value *object)
{
	bool any =
	    is_given(object) && usage_update(&s->usage, s->dialect, object);

	s->has_usage |= any;
	return any;
}

static void
note_bill(struct scan *s, const struct json_value *response)
{
	(void)note_usage(s, json_find(response, "usage"));
	usage_note_tools(&s->usage, json_find(response, "tool_usage"));
}

static enum scan_kind
content(struct scan *s, size_t bytes)
{
	s->content = true;
	s->content_bytes += (int64_t)bytes;
	return SCAN_CONTENT;
}

/* Messages: one message, its blocks one after the other. */

static enum scan_kind
read_message_start(struct scan *s, const struct json_value *root)
{
	const struct json_value *message = json_find(root, "message");

	note_id(s, message);
	s->usage_early |= note_usage(s, json_find(message, "usage"));
	return SCAN_QUIET;
}

/* A call is there with its name, before it has any arguments. */
static enum scan_kind
read_block_start(struct scan *s, const struct json_value *root)
{
	size_t bytes = event_bytes(json_find(root, "content_block"), "type");

	return bytes > 0 ? content(s, bytes) : SCAN_QUIET;
}

/* A signature is no text, and is paid for with what it signs. */
static enum scan_kind
read_block_delta(struct scan *s, const struct json_value *root)
{
	const struct json_value *delta = json_find(root, "delta");
	bool counts = !is_word(json_find(delta, "type"), "signature_delta");
	size_t bytes = event_bytes(delta, "type");

	return bytes > 0 ? content(s, counts ? bytes : 0) : SCAN_QUIET;
}

/* Not for the reader: an error may still come in place of the end. */
static enum scan_kind
read_message_delta(struct scan *s, const struct json_value *root)
{
	const struct json_value *delta = json_find(root, "delta");

	if (note_usage(s, json_find(root, "usage")))
		s->usage_early = false;
	s->finished |= is_given(json_find(delta, "stop_reason"));
	return SCAN_QUIET;
}

static enum scan_kind
read_message_stop(struct scan *s, const struct json_value *root)
{
	(void)root;
	s->done = true;
	return SCAN_TERMINAL;
}

static const struct typed of_messages[] = {
	{ "content_block_delta", read_block_delta },
	{ "content_block_start", read_block_start },
	{ "content_block_stop", NULL },
	{ "message_delta", read_message_delta },
	{ "message_start", read_message_start },
	{ "message_stop", read_message_stop },
	{ "ping", NULL },
};

/* Responses: items, and around them the response. */

static enum scan_kind
read_opening(struct scan *s, const struct json_value *root)
{
	note_id(s, json_find(root, "response"));
	return SCAN_QUIET;
}

static enum scan_kind
read_end(struct scan *s, const struct json_value *root)
{
	const struct json_value *response = json_find(root, "response");

	note_id(s, response);
	note_bill(s, response);
	if (is_given(json_find(response, "error")))
		return SCAN_ERROR;
	s->finished = s->done = true;
	return SCAN_TERMINAL;
}

static enum scan_kind
read_failure(struct scan *s, const struct json_value *root)
{
	const struct json_value *response = json_find(root, "response");

	note_id(s, response);
	note_bill(s, response);
	return SCAN_ERROR;
}

static bool
has_parts(const struct json_value *item, const char *name)
{
	const struct json_value *parts = json_find(item, name);

	return parts != NULL && parts->count > 0;
}

/*
 * Messages and reasoning begin empty; reasoning that nobody can read is no
 * content yet.  Of any other kind its being there says something.
 */
static enum scan_kind
read_item_start(struct scan *s, const struct json_value *root)
{
	const struct json_value *item = json_find(root, "item");
	const struct json_value *type = json_find(item, "type");

	if ((is_word(type, "message") || is_word(type, "reasoning")) &&
	    !has_parts(item, "content") && !has_parts(item, "summary"))
		return SCAN_QUIET;
	return content(s, 0);
}

/* Some servers send an item's end and nothing before. */
static enum scan_kind
read_item_end(struct scan *s, const struct json_value *root)
{
	const struct json_value *item = json_find(root, "item");

	return content(s,
	    item != NULL && s->content_bytes == 0 ? item->raw.len : 0);
}

static enum scan_kind
read_part(struct scan *s, const struct json_value *root)
{
	const struct json_value *part = json_find(root, "part");

	if (inside_of(json_find(part, "text")).len == 0 &&
	    inside_of(json_find(part, "refusal")).len == 0)
		return SCAN_QUIET;
	return content(s, 0);
}

/* Deltas of every kind, the ends of them, and what hosted tools do. */
static enum scan_kind
read_any(struct scan *s, const struct json_value *root)
{
	const struct json_value *delta = json_find(root, "delta");
	size_t bytes = 0;

	if (delta != NULL && delta->type == JSON_STRING)
		bytes = inside_of(delta).len;
	else if (delta != NULL)
		bytes = delta->raw.len;
	if (delta != NULL && bytes == 0)
		return SCAN_QUIET;
	return content(s, bytes);
}

static const struct typed of_responses[] = {
	{ "response.output_text.delta", read_any },
	{ "response.function_call_arguments.delta", read_any },
	{ "response.created", read_opening },
	{ "response.queued", read_opening },
	{ "response.in_progress", read_opening },
	{ "response.output_item.added", read_item_start },
	{ "response.output_item.done", read_item_end },
	{ "response.content_part.added", read_part },
	{ "response.content_part.done", read_part },
	{ "response.reasoning_summary_part.added", read_part },
	{ "response.reasoning_summary_part.done", read_part },
	{ "response.completed", read_end },
	{ "response.incomplete", read_end },
	{ "response.failed", read_failure },
	{ "response.cancelled", read_failure },
};

static const struct typed *
find_type(const struct typed *table, size_t count, struct slice type)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_is(type, table[i].type))
			return &table[i];
	return NULL;
}

enum scan_kind
event_read(struct scan *s, const struct json_value *root, struct slice name)
{
	bool responses = s->dialect == DIALECT_RESPONSES;
	struct slice type = inside_of(json_find(root, "type"));
	const struct typed *typed;

	if (event_is_error(root, name))
		return SCAN_ERROR;
	if (type.len == 0)
		type = name;
	if (responses)
		(void)json_int(json_find(root, "sequence_number"),
		    &s->sequence);
	typed = find_type(responses ? of_responses : of_messages,
	    responses ? count_of(of_responses) : count_of(of_messages), type);
	if (typed != NULL)
		return typed->read != NULL ? typed->read(s, root) : SCAN_QUIET;
	/* What is newer than this table: only items say what they are. */
	if (responses && slice_starts(type, "response."))
		return read_any(s, root);
	return SCAN_QUIET;
}
