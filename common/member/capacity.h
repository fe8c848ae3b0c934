#pragma once
/*
 * capacity: the CAPACITY message, in which an egress tells a node how the
 * targets of its team stand: all that back off, so that whatever is not in it
 * is well.  Sent anew at each change; its epoch says which of two is the newer
 * one.  Pure.
 */
#include "common/limit/backoff.h"

struct arena;
struct buf;

#define CAPACITY_ENTRIES_MAX 4096

struct capacity_entry {
	struct slice target; /* provider/model */
	enum backoff_kind kind;
	int64_t wait_us; /* until it may be tried */
	bool half_open;  /* its time is over, and one probe may go, or has */
	int64_t turn;    /* another number when it began to back off anew */
};

struct capacity_epoch {
	int64_t boot;   /* bits of the identity, then the boot's number */
	int64_t number; /* grows with each change */
};

/* The boot's number is in so many low bits of `boot`. */
#define CAPACITY_BOOT_BITS 41

struct capacity {
	struct slice egress;
	struct capacity_epoch epoch;
	const struct capacity_entry *entries;
	size_t count;
};

void capacity_write(struct buf *out, const struct capacity *c);

/*
 * False when the bytes are no such message.  Names are slices of them, the
 * entries are in the arena.  What a newer egress adds is passed over; a kind
 * that is not known counts as BACKOFF_BREAKER.
 */
must_check bool capacity_read(struct capacity *c, struct arena *arena,
    struct slice bytes);

/* Has it to be heard after that one?  An identity of its own always has. */
must_check bool capacity_is_newer(const struct capacity_epoch *epoch,
    const struct capacity_epoch *than);
