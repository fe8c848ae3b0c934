#pragma once
/*
 * scan: watches an answer go by and notes what matters: usage, the terminal
 * marker, errors inside a 200.  It never changes a byte.  Pure; one per
 * attempt, an arena of its own that is reset for each event.
 */
#include "common/base/arena.h"
#include "common/llm/shape.h"
#include "common/llm/usage.h"

struct sse_event;

struct scan {
	enum dialect dialect;
	struct usage usage; /* the latest figures */
	bool has_usage;
	bool content;          /* an event with content went by */
	int64_t content_bytes; /* of text in events, for an estimate */
	bool finished;         /* a finish reason was seen */
	bool done;             /* the terminal marker was seen */
	bool error;            /* an error object came inside a 200 */
	struct arena arena;
};

void scan_init(struct scan *s, enum dialect dialect);
void scan_fini(struct scan *s);

/* What an event is, for who passes it on. */
enum scan_kind {
	SCAN_QUIET,    /* comment, or nothing of note */
	SCAN_CONTENT,  /* carries something for the reader */
	SCAN_USAGE,    /* usage only: hide it when nobody asked */
	SCAN_TERMINAL, /* "[DONE]" */
	SCAN_ERROR,    /* an error object */
	SCAN_BROKEN    /* not JSON: the stream cannot be trusted */
};

enum scan_kind scan_event(struct scan *s, const struct sse_event *event);

/* A whole, not streamed answer; false when it is not a JSON object. */
must_check bool scan_answer(struct scan *s, struct slice body);
