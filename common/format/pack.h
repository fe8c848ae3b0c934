#pragma once
/*
 * pack: msgpack.  The writer is msgpack-c's (the only file that sees it); the
 * reader is a bounded cursor of ours that allocates nothing: each call takes
 * one value of the expected type, and the first that does not fit makes the
 * cursor fail for good.  Strings and binaries are slices of the input.
 * Integers outside int64, floats, extensions and nil are refused where
 * something else is expected.  Pure.
 */
#include "common/base/buf.h"

/* Writing: sticky failure is the buf's. */
void pack_array(struct buf *out, size_t count);
void pack_map(struct buf *out, size_t count);
void pack_int(struct buf *out, int64_t number);
void pack_bool(struct buf *out, bool truth);
void pack_nil(struct buf *out);
void pack_text(struct buf *out, struct slice text);
void pack_bytes(struct buf *out, const void *bytes, size_t len);

struct unpack {
	struct slice rest; /* not read yet */
	bool failed;
};

static inline struct unpack
unpack_start(struct slice bytes)
{
	return (struct unpack){ bytes, false };
}

/* All was read, and well. */
must_check static inline bool
unpack_done(const struct unpack *u)
{
	return !u->failed && u->rest.len == 0;
}

/* Counts are checked against the bytes that are left (one a value). */
size_t unpack_array(struct unpack *u);
size_t unpack_map(struct unpack *u);
int64_t unpack_int(struct unpack *u);
bool unpack_bool(struct unpack *u);
struct slice unpack_text(struct unpack *u);
struct slice unpack_bytes(struct unpack *u);

/* Exactly `len` bytes, copied out; zeroed when it fails. */
void unpack_fixed(struct unpack *u, void *out, size_t len);

/* Pass over one value of any type, at most 16 levels deep. */
void unpack_skip(struct unpack *u);

/* Is the next value nil?  Takes it if so. */
bool unpack_nil(struct unpack *u);

/* The encoded bytes of the next value, which is passed over. */
struct slice unpack_raw(struct unpack *u);
