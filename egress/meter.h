#pragma once
/*
 * meter: the accounts with providers as they stand, for people and for what
 * collects numbers: what of each is in use, who waits, and whether it backs
 * off.  The clerk's thread; belongs to its caller.
 */
#include "common/base/arena.h"
#include "common/member/capacity.h"
#include "common/member/gate.h"

struct buf;
struct egress;

/* An account, or a model of it. */
struct meter_reading {
	struct slice account;
	struct slice model; /* empty: all of the account */
	struct gate_look look;
	bool shaped; /* else `look` is empty */
	bool closed;
	struct capacity_entry state; /* while it is closed */
};

struct meter {
	struct topology *topology; /* held */
	struct meter_reading *readings;
	size_t count, room;
	struct arena arena;
};

/* Of the present topology. */
void meter_read(struct meter *m, struct egress *g);
void meter_fini(struct meter *m);

void meter_text(const struct meter *m, struct buf *out);
void meter_json(const struct meter *m, struct buf *out);
void meter_metrics(const struct meter *m, struct buf *out);
