#pragma once
/*
 * relay: the answer on its way to the caller.  A whole answer is gathered; a
 * stream goes on event by event, but for three things: nothing is sent before
 * the first event with content (until then the attempt may still fail
 * unseen), usage that nobody asked for is left out, and the terminal event is
 * held until the request has settled.
 */
#include "common/base/buf.h"
#include "common/format/sse.h"
#include "common/llm/scan.h"

struct allowance;
struct http_exchange;

/* A Responses stream repeats the request in its first events. */
#define RELAY_EVENT_MAX  (4 * 1024 * 1024)
#define RELAY_HELD_MAX   (8 * 1024 * 1024)
#define RELAY_ANSWER_MAX (64 * 1024 * 1024)
#define RELAY_ERROR_MAX  (64 * 1024)

struct relay {
	struct http_exchange *exchange;
	struct allowance *memory; /* whole answers are held under it */
	size_t reserved;
	bool stream, wants_usage;
	enum dialect caller;
	struct slice request_id;
	struct slice key; /* of the node's own provider: goes no further */

	int status;    /* the provider's */
	bool started;  /* the caller has its head */
	bool full;     /* the caller's buffer is: stop for now */
	size_t unpaid; /* bytes taken while full: credit not given back */
	bool broken;   /* cannot be passed on */
	bool oversize; /* larger than this node holds */
	struct sse sse;
	struct scan scan;
	struct buf held;   /* events before the first content */
	struct buf last;   /* the terminal event, or what came behind it */
	struct buf answer; /* whole answer, or error body */
	int64_t first_content_us; /* monotonic; 0: none yet */
	int64_t sent_bytes;
	char content_type[64];
};

void relay_init(struct relay *r, enum dialect dialect);
void relay_fini(struct relay *r);

/*
 * Before anything is called: room for the beginning of a whole answer.  False
 * when there is none, so that no answer is paid for and then not held.
 */
must_check bool relay_reserve(struct relay *r);

/* The provider's head is in. */
void relay_head(struct relay *r, int status, struct slice content_type);

/* More of the answer; all of it is taken. */
void relay_take(struct relay *r, struct slice bytes);

/*
 * Is the answer complete, as far as its own words say?  A whole one was
 * scanned before.
 */
bool relay_complete(const struct relay *r);

/* After settling: send what was held and end the stream well. */
void relay_finish(struct relay *r);

/* After settling: the whole answer, as it came. */
void relay_answer(struct relay *r);
