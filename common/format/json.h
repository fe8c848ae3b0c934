#pragma once
/*
 * json: one strict parser (RFC 8259) over spans of the original text, in two
 * modes, and a writer.  Nothing is re-printed that was not changed: numbers
 * and strings keep their bytes.
 *
 * Refused: duplicate keys (compared unescaped), invalid UTF-8, bad numbers,
 * control bytes in strings, trailing bytes, more than JSON_DEPTH_MAX levels,
 * more than JSON_MEMBERS_MAX members in one object, keys over JSON_KEY_MAX.
 * Kept: lone surrogate escapes, \u0000, numbers of any size.
 * Pure; any thread.
 */
#include "common/base/buf.h"
#include "common/base/slice.h"

struct arena;

#define JSON_DEPTH_MAX   128
#define JSON_MEMBERS_MAX 4096
#define JSON_KEY_MAX     512
#define JSON_TOP_MAX     96 /* members of an indexed top level */

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

/* Why a text was refused, and at which byte. */
struct json_error {
	const char *why; /* a constant */
	size_t at;
};

/* One member of an object, as it stands in the text. */
struct json_member {
	struct slice key;  /* between the quotes, perhaps with escapes */
	struct slice name; /* the key unescaped; in the arena or in the text */
	struct slice raw;  /* the value, with its quotes or braces */
	enum json_type type;
};

/* The top level of an object: all is checked, only this level is kept. */
struct json_index {
	struct slice text; /* the whole document */
	size_t count;
	struct json_member members[JSON_TOP_MAX];
};

/*
 * Index the top level of an object.  The text has to outlive the index; the
 * arena is used for escaped keys only.  False and *error when it is refused.
 */
must_check bool json_index(struct json_index *index, struct arena *arena,
    struct slice text, struct json_error *error);

/* NULL when there is none; a member whose value is null is there. */
const struct json_member *json_index_find(const struct json_index *index,
    const char *name);

/* A tree over the text, in an arena. */
struct json_value {
	enum json_type type;
	struct slice raw;  /* as in the text */
	struct slice name; /* unescaped key, when inside an object */
	const struct json_value *first, *next; /* child, sibling */
	size_t count;                          /* children */
};

/* NULL and *error when refused.  Arena use is at most ~64 bytes a value. */
const struct json_value *json_parse(struct arena *arena, struct slice text,
    struct json_error *error);

/* The member of an object, or NULL (also for NULL and other types). */
const struct json_value *json_find(const struct json_value *object,
    const char *name);

/*
 * The characters of a string value, unescaped (a lone surrogate becomes
 * U+FFFD); false when it is not a string (or value is NULL).
 */
must_check bool json_text(const struct json_value *value, struct arena *arena,
    struct slice *text);

/* The same from a raw span such as json_member.raw. */
must_check bool json_raw_text(struct slice raw, struct arena *arena,
    struct slice *text);

/*
 * A string that is compared with words of ours: empty when it is not a string
 * (or value is NULL), or has escapes and does not fit the room they need.
 */
#define JSON_WORD_MAX 128

struct slice json_word(const struct json_value *value,
    char room[static JSON_WORD_MAX]);

/*
 * Find many members in one pass: at[i] becomes the one called names[i], or
 * NULL; all NULL unless it is an object.
 */
void json_pick(const struct json_value *object, const struct slice *names,
    size_t count, const struct json_value **at);

/* An integer in range, without fraction or exponent. */
must_check bool json_raw_int(struct slice raw, int64_t *number);

static inline bool
json_int(const struct json_value *value, int64_t *number)
{
	return value != NULL && json_raw_int(value->raw, number);
}

/* Is it a string of these characters, with whatever escapes? */
must_check bool json_is(const struct json_value *value, const char *text);

/*
 * The writer puts commas and quotes; it has the buf's sticky failure.
 * Starts zeroed but for `out`.
 */
struct json_writer {
	struct buf *out;
	unsigned depth;
	bool comma; /* the next value needs one first */
};

void json_open(struct json_writer *w, char bracket); /* '{' or '[' */
void json_close(struct json_writer *w, char bracket);
void json_key(struct json_writer *w, const char *name);
void json_put_text(struct json_writer *w, struct slice text); /* escapes */
void json_put_int(struct json_writer *w, int64_t number);
void json_put_bool(struct json_writer *w, bool truth);
void json_put_null(struct json_writer *w);
void json_put_raw(struct json_writer *w, struct slice json); /* as it is */

/* A key with its value, the commonest pairs. */
void json_field_text(struct json_writer *w, const char *name, struct slice v);
void json_field_texts(struct json_writer *w, const char *name,
    const struct slice *texts, size_t count); /* as an array */
void json_field_int(struct json_writer *w, const char *name, int64_t v);
void json_field_bool(struct json_writer *w, const char *name, bool v);

/* Append `text` escaped, without quotes; invalid UTF-8 becomes U+FFFD. */
void json_escape(struct buf *out, struct slice text);
