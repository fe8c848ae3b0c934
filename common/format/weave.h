#pragma once
/*
 * weave: a JSON text made of new bytes and of spans of an older text, so that
 * what is long is never copied.  It writes with json's writer; long raw
 * values become parts of their own.  The older text has to outlive the parts.
 */
#include "common/base/buf.h"
#include "common/format/json.h"

struct arena;

#define WEAVE_SPAN_MIN  512 /* shorter spans are copied */
#define WEAVE_FRESH_MAX (64u << 20)

struct weave {
	struct json_writer json;
	struct buf fresh;
	struct weave_span *spans;
	size_t count, cap;
};

void weave_init(struct weave *w);
void weave_fini(struct weave *w);

/* A raw JSON value, as it is; with its key in an object. */
void weave_raw(struct weave *w, struct slice json);
void weave_field(struct weave *w, const char *name, struct slice json);

/* Pieces of one JSON string: begin, put the inside of it, end. */
void weave_string_begin(struct weave *w);
void weave_inside(struct weave *w, struct slice inside);
void weave_text(struct weave *w, const char *plain); /* needs no escapes */
void weave_string_end(struct weave *w);

/*
 * The text as parts in order, in the arena; the new bytes are copied there.
 * It is whole unless `fresh` has failed.
 */
struct slice *weave_parts(const struct weave *w, struct arena *arena,
    size_t *count, size_t *bytes);
