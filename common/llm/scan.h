#pragma once
/*
 * scan: watches an answer of any dialect go by and notes what matters: usage,
 * the terminal marker, errors inside a 200.  It never changes a byte.  Pure;
 * one per attempt, with an arena that is emptied when the next event comes.
 */
#include "common/base/arena.h"
#include "common/llm/shape.h"
#include "common/llm/usage.h"

struct json_value;
struct sse_event;

#define SCAN_ID_BYTES 80

struct scan {
	enum dialect dialect; /* of the answer */
	bool count;           /* set by the owner: count_tokens was asked */

	/*
	 * The event just scanned, until the next or as long as its bytes are
	 * there; NULL when it has no data, is a marker, or is not JSON.
	 */
	const struct json_value *root;

	struct usage usage; /* the latest figures */
	bool has_usage;
	bool usage_early;      /* they are of the answer's beginning */
	bool content;          /* an event with content went by */
	int64_t content_bytes; /* of text in events, for an estimate */
	bool finished;         /* a finish reason was seen */
	bool done;             /* the terminal marker was seen */
	bool error;            /* an error came inside a 200 */
	/* Of Responses and Messages; "" until seen, or if too long. */
	char response_id[SCAN_ID_BYTES];
	int64_t sequence; /* Responses: last sequence_number; -1: none */
	struct arena arena;
};

void scan_init(struct scan *s, enum dialect dialect);
void scan_fini(struct scan *s);

/* What an event is, for who passes it on. */
enum scan_kind {
	SCAN_QUIET,    /* comment, keep-alive, or nothing of note */
	SCAN_CONTENT,  /* carries something for the reader */
	SCAN_USAGE,    /* Chat's usage only: hide it when nobody asked */
	SCAN_TERMINAL, /* "[DONE]", message_stop, response.completed … */
	SCAN_ERROR,    /* an error in place of an event */
	SCAN_BROKEN    /* not JSON, or too much: do not trust the stream */
};

enum scan_kind scan_event(struct scan *s, const struct sse_event *event);

/* A whole, not streamed answer; false when it is no such JSON object. */
must_check bool scan_answer(struct scan *s, struct slice body);

/*
 * Did the answer come to its end without an error?  Chat's marker may be
 * missing behind a finish reason; the others' may not.
 */
bool scan_complete(const struct scan *s);

/*
 * The figures of an answer that has some.  Not complete: marked as partial,
 * and output that the provider had not counted yet is estimated.
 */
void scan_usage(const struct scan *s, bool complete, struct usage *usage);
