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

#define ENVELOPE_VERSION 1
#define ENVELOPE_MAX     4096 /* bytes */

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
	bool stream;
	int64_t output_cap; /* tokens; 0: none */
	int64_t body_bytes;
	struct hash body_hash;
	struct hash topology;
};

void envelope_write(struct buf *out, const struct envelope *e);

/* Text points into the bytes.  False when they are not an envelope. */
must_check bool envelope_read(struct envelope *e, struct slice bytes);
