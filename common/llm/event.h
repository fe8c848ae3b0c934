#pragma once
/*
 * event: what one event of an answer says, in the words of its dialect.  The
 * parts of scan that know them; nobody else includes this.  Each notes in
 * the scan what it finds.  Pure.
 */
#include "common/format/json.h"
#include "common/llm/scan.h"

/* A chunk of Chat Completions. */
enum scan_kind chunk_read(struct scan *s, const struct json_value *root,
    struct slice name);

/* An event of Responses or Messages, by its type. */
enum scan_kind event_read(struct scan *s, const struct json_value *root,
    struct slice name);

/* Does an error stand where an event should be?  `name` is the event's. */
bool event_is_error(const struct json_value *root, struct slice name);

/* Keep the id of the answer, if it is one. */
void event_note_id(struct scan *s, struct slice raw);

/*
 * Bytes of text, arguments and the like in a delta or a block: of whatever is
 * there but the member that says what it is.  Escapes and the braces of
 * objects count as they stand.
 */
size_t event_bytes(const struct json_value *object, const char *but);

/* Neither missing nor null. */
static inline bool
is_given(const struct json_value *v)
{
	return v != NULL && v->type != JSON_NULL;
}

/* A string's bytes between its quotes, escapes as they stand; else empty. */
static inline struct slice
inside_of(const struct json_value *v)
{
	if (v == NULL || v->type != JSON_STRING)
		return (struct slice){ NULL, 0 };
	return slice_make(v->raw.ptr + 1, v->raw.len - 2);
}

static inline bool
is_word(const struct json_value *v, const char *word)
{
	return v != NULL && v->type == JSON_STRING &&
	       slice_is(inside_of(v), word);
}
