#pragma once
/*
 * attempt: one upstream call for a request, made by the node itself or by an
 * egress over the link; the request sees no difference.  It hashes and times
 * the answer and knows what it was worth when it ends.
 */
#include "common/base/crypto.h"
#include "common/base/id.h"
#include "common/base/list.h"
#include "common/llm/fail.h"
#include "common/llm/own.h"
#include "common/net/stream.h"
#include "common/store/receipt.h"
#include "node/route.h"

struct attempt;
struct buf;
struct desk;
struct envelope;
struct stream;
struct timeouts;
struct topology;
struct transfer;

#define ROUTER_ERROR_CHARS 48

struct attempt_events {
	/* The provider's status; a 2xx body is content, any other an error. */
	void (*on_head)(void *arg, int status, struct slice content_type);
	/* False: give the bytes again after attempt_taken. */
	bool (*on_data)(void *arg, struct slice bytes);
	/* It is over: look at fail, status, receipt. */
	void (*on_end)(void *arg);
};

struct attempt {
	struct desk *desk;
	const struct route *route;
	const struct splice *body;
	const struct attempt_events *events;
	void *arg;
	struct id request;
	int64_t number; /* 1 for the first */

	struct transfer *transfer; /* a local one under way */
	struct secret *key;        /* its provider's key, held */
	struct stream *stream;     /* one over the link under way */
	size_t part, part_at;      /* body pieces queued on the stream */
	bool body_sent, paused;
	int64_t owed; /* bytes the stream waits credit for */

	int64_t started_us, first_byte_us, ended_us; /* monotonic; 0: not yet */
	int64_t called_us;   /* by who it went to: an egress may let it wait */
	int64_t max_wait_ms; /* for so long */
	int64_t heard_us;    /* when bytes of it last came, or were let in */
	struct hashing hashing;
	int64_t answer_bytes;
	int status;     /* provider's; 0: none came */
	enum fail fail; /* FAIL_NONE: the call was answered in full */
	int64_t retry_after_ms;
	char router_error[ROUTER_ERROR_CHARS]; /* X-Router-Error, or "" */
	bool judged; /* by an egress that tells how its targets stand */
	char detail[THROTTLED_REASON_MAX]; /* "whose limit: how it stands" */
	bool throttled; /* refused by it, for a reason that we know */
	bool keyless;   /* its provider's key is not in the vault */
	bool over;
	bool reached; /* a provider may have it; an egress tells by receipt */
	struct list waiting; /* in the uplink's list, until the receipt */
	bool ended;          /* the stream's END came */
	struct buf *message; /* the sealed receipt, once it came */
	struct receipt receipt;
};

struct attempt_spec {
	struct desk *desk;
	const struct topology *topology;
	const struct timeouts *timeouts;
	const struct route *route;
	const struct splice *body;
	enum dialect dialect; /* of the body */
	enum operation operation;
	struct slice api_version, api_beta; /* messages; as the envelope's */
	struct envelope *envelope; /* link only: body fields are filled in */
	struct slice node;         /* this member's name: the path so far */
	int64_t remaining_ms;
	int64_t max_wait_ms; /* that an egress may let it wait for capacity */
	const struct attempt_events *events;
	void *arg;
};

/* Zeroed is "never started". */
must_check bool attempt_is_live(const struct attempt *a);

/* False when it cannot begin (a->fail says why); then no event comes. */
must_check bool attempt_start(struct attempt *a,
    const struct attempt_spec *spec);

/* When its provider was called, or will be at the latest: its deadlines. */
int64_t attempt_due_us(const struct attempt *a);

/* The consumer has room again; `bytes` of the answer have left for good. */
void attempt_taken(struct attempt *a, size_t bytes);

/* Give up; no event follows.  Harmless when it is over. */
void attempt_cancel(struct attempt *a);

/* Free what it holds; it is not live. */
void attempt_fini(struct attempt *a);

/* The uplink's: the receipt of this attempt came and was verified. */
void attempt_on_receipt(struct attempt *a, struct slice message);

/* The uplink's: it is gone for good, and the receipt will not come by it. */
void attempt_on_loss(struct attempt *a);

/* Hash of the answer's bytes so far. */
struct hash attempt_answer_hash(const struct attempt *a);
