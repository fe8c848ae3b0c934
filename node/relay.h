#pragma once
/*
 * relay: the answer on its way to the caller.  A whole answer is gathered; a
 * stream goes on event by event, as it came or through a bridge, but for
 * three things: nothing is sent before the first event with content (until
 * then the attempt may still fail unseen), usage that nobody asked for is
 * left out, and the terminal event is held until the request has settled.
 */
#include "common/base/buf.h"
#include "common/format/sse.h"
#include "common/llm/fail.h"
#include "common/llm/scan.h"

struct allowance;
struct bridge;
struct http_exchange;
struct remaining;

/* A Responses stream repeats the request in its first events. */
#define RELAY_EVENT_MAX  (4 * 1024 * 1024)
#define RELAY_HELD_MAX   (8 * 1024 * 1024)
#define RELAY_ANSWER_MAX (64 * 1024 * 1024)
#define RELAY_ERROR_MAX  (64 * 1024)

/* What a relay is for. */
struct relay_wish {
	struct http_exchange *exchange;
	struct allowance *memory; /* whole answers are held under it */
	enum dialect speaks;      /* the provider */
	enum dialect answers;     /* what the caller reads */
	struct bridge *bridge;    /* taken; NULL: they are the same */
	bool count;               /* a count_tokens answer */
	bool stream, wants_usage;
	enum dialect caller;
	struct slice request_id;
	struct slice model;  /* as the caller asked for it, plain */
	const char *dropped; /* for X-Router-Dropped; "" or names */
	/* Of the caller's limits, for headers; NULL: nothing. */
	const struct remaining *remaining;
	/* Looks at each event with content, and at a whole answer. */
	void (*on_answer)(void *arg, const struct json_value *root);
	void *arg;
};

struct relay {
	struct relay_wish wish;
	size_t reserved;
	struct slice key; /* of the node's own provider: goes no further */

	int status;    /* the provider's */
	bool started;  /* the caller has its head */
	bool full;     /* the caller's buffer is: stop for now */
	size_t unpaid; /* bytes taken while full: credit not given back */
	bool broken;   /* cannot be passed on */
	bool oversize; /* larger than this node holds */
	bool starved;  /* and only since others hold so much now */
	struct sse sse;
	struct scan scan;
	struct buf held;          /* events before the first content */
	struct buf last;          /* the terminal events */
	struct buf answer;        /* whole answer, or error body */
	int64_t head_us, sent_us; /* monotonic: head came, bytes last left */
	int64_t first_content_us; /* monotonic; 0: none yet */
	int64_t sent_bytes;
	char content_type[64];
};

void relay_init(struct relay *r, const struct relay_wish *wish);
void relay_fini(struct relay *r); /* also of one that is all zero */

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
 * Once in a while: a stream whose provider thinks for long is begun without
 * content, and kept alive in a way that the dialect's clients understand, so
 * that nobody on the way takes it for dead.
 */
void relay_tick(struct relay *r, int64_t now_us);

/*
 * A whole 200 is here: scan it, and say it in the caller's dialect.  False
 * when it cannot be read.
 */
must_check bool relay_whole(struct relay *r);

/*
 * Is the answer complete, as far as its own words say?  A whole one was
 * read before.
 */
bool relay_complete(const struct relay *r);

/* Has it gathered an answer, rather than an error? */
bool relay_is_content(const struct relay *r);

/* Where the stream stands, for an error that ends it. */
struct fail_place relay_place(const struct relay *r);

/* Complete: what is still to be said; looked at before settling. */
void relay_conclude(struct relay *r);

/* After settling: send what was held and end the stream well. */
void relay_finish(struct relay *r);

/* After settling: the whole answer. */
void relay_answer(struct relay *r);
