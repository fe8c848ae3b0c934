#pragma once
/*
 * call: one OPEN from a node, from its envelope to its receipt.  A table of
 * steps (call.c) run by one driver; what was accepted ends in RECEIPT, once,
 * however it ends.  One OPEN is at most one provider call: the egress never
 * retries.  Lives on its worker's loop, owns an arena, and pins the topology
 * it began with.
 */
#include "common/base/arena.h"
#include "common/format/sse.h"
#include "common/llm/envelope.h"
#include "common/llm/failure.h"
#include "common/llm/own.h"
#include "common/llm/price_book.h"
#include "common/llm/scan.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "common/store/ledger.h"
#include "egress/account.h"
#include "egress/downlink.h"
#include "egress/notary.h"
#include "egress/ration.h"

struct dock;
struct json_index;
struct model;
struct secret;
struct transfer;

enum call_step {
	CALL_VERIFY,
	CALL_ENVELOPE,
	CALL_BODY,
	CALL_RATION,
	CALL_CAPACITY,
	CALL_FETCH,
	CALL_RELAY,
	CALL_RECEIPT,
	CALL_DONE,
	CALL_WAIT /* not a step: an event will run the call again */
};

enum call_written { CALL_NOT_WRITTEN, CALL_WRITING, CALL_WRITTEN };

struct call {
	unsigned magic;
	struct list link; /* in the dock's list */
	struct dock *dock;
	struct stream *stream; /* NULL once it is dead */
	struct topology *topology;
	struct arena arena;
	struct envelope envelope; /* text in the arena */
	struct slice envelope_text;
	struct seal seal;
	struct link_peer peer;
	unsigned lane; /* of the peer's worker that asks */
	bool straight; /* came from the origin itself, by a good path */
	int64_t remaining_ms, max_wait_ms; /* as said, bounded */
	int64_t total_ms;                  /* of them, the provider's */
	struct claim claim;
	int64_t received_us, begun_us; /* wall, monotonic */

	enum call_step step;
	struct loop_task wake;
	enum fail interruption;

	struct buf body;
	size_t reserved; /* of the shared body memory */
	bool body_here;
	const struct model *model;
	char price_book[PRICE_BOOK_CHARS]; /* that its price stands in */
	struct slice account;              /* whose key it goes out with */
	struct ration ration;
	struct splice splice;

	struct account_pass pass; /* told of once: see capacity_leave */

	struct ledger_wait wait;
	enum call_written intent, settlement;
	bool intent_refused;

	struct secret *key;
	bool keyless; /* there is none where one is wanted */
	struct transfer *transfer;
	int status; /* provider's; 0: none came */
	char content_type[64];
	char router_error[64]; /* of a provider that is a member of a mesh */
	int64_t retry_after_ms;
	bool streams; /* a 200 that goes on as it comes */
	bool over;    /* the transfer has ended */
	bool reached; /* the provider may have the request, and bill for it */
	bool broken;  /* the answer cannot be read, or is too large */
	struct sse sse;
	struct scan scan;
	enum fail said; /* by an error inside of a stream */
	enum failure said_class;
	struct buf answer;      /* gathered: a whole answer or an error */
	struct buf out;         /* not taken by the stream yet */
	bool paused, held_up;   /* the transfer waits for room; or ever did */
	int64_t read_us;        /* when its node last made room */
	struct hashing hashing; /* of what was emitted */
	int64_t answer_bytes, first_byte_us, ended_us;

	enum fail fail;
	struct notary_job job;
	struct attempt_row row;
};

/* An OPEN came in; slices of `open` are copied. */
void call_begin(struct dock *d, struct link *l, struct stream *s,
    const struct open_request *open);

/* End it by this failure, unless it has ended. */
void call_interrupt(struct call *c, enum fail fail);
