#pragma once
/*
 * envelope: what the origin signs of a request before it crosses a link, so
 * that no member on the way can change who asks, for what, or with which
 * body.  Written as a msgpack array in this order; the signed bytes are the
 * encoded bytes, never re-encoded.  Pure.
 */
#include "common/base/crypto.h"
#include "common/base/id.h"
#include "common/base/slice.h"
#include "common/llm/shape.h"

struct buf;

#define ENVELOPE_VERSION 2
#define ENVELOPE_MAX     4096 /* bytes */
#define API_VERSION_MAX  64   /* bytes */
#define API_BETA_MAX     1024

/* issued_us may be off by this much, either way. */
#define ENVELOPE_SKEW_US ((int64_t)15 * 60 * 1000000)

struct envelope {
	struct slice origin; /* node whose caller asked */
	struct id request;
	int64_t attempt; /* 1..255 */
	struct slice egress;
	int64_t issued_us; /* wall time */
	struct slice team;
	struct slice caller;        /* pseudonym: the egress needs no names */
	struct slice user, project; /* labels that may travel, or empty */
	struct slice group, target;
	enum dialect dialect; /* of the body, as the provider gets it */
	enum operation operation;
	struct slice api_version; /* messages: the caller's header field */
	struct slice api_beta;    /* anthropic-version, -beta; or empty */
	bool stream;
	int64_t output_cap; /* tokens, OUTPUT_TOKENS_MAX at most; 0: none */
	int64_t body_bytes;
	struct hash body_hash;
	struct hash topology;
};

/*
 * May a caller's header field travel as api_version or api_beta: is it at
 * most `max` bytes of letters, digits, ",", ".", "_", "-" and spaces, so that
 * it stays one field?
 */
must_check bool envelope_may_carry(struct slice field, size_t max);

void envelope_write(struct buf *out, const struct envelope *e);

/* Text points into the bytes.  False when they are not an envelope. */
must_check bool envelope_read(struct envelope *e, struct slice bytes);
