#pragma once
/*
 * trial: one case of a policy's tests, as a file of cases says it: what the
 * policy is asked and what it should answer.  What a case does not say has a
 * default (docs/POLICIES.md), so a case names only what it is about.  Values
 * in an arena.  Pure.
 */
#include "common/base/slice.h"
#include "topology/group.h"

struct arena;
struct buf;
struct mistakes;
struct source;

#define TRIALS_MAX 1000

enum trial_want {
	TRIAL_ORDER, /* exactly these */
	TRIAL_FIRST, /* this one first, whatever follows */
	TRIAL_ERROR  /* no order, for this reason */
};

struct trial {
	struct slice name;
	struct slice input; /* JSON, as the policy is given it */
	int64_t now_ms;
	uint32_t seed;
	struct slice targets[TARGETS_MAX];
	size_t targets_count;
	enum trial_want want;
	struct slice order[TARGETS_MAX]; /* of FIRST: one */
	size_t order_count;
	struct slice error; /* one of trial_errors */
};

struct trials {
	struct trial *items;
	size_t count;
};

/* sandbox_end_name()s of failures, and "not-allowed": choice refused it. */
extern const char *const trial_errors[5];

/* Adds mistakes; what has some is not complete. */
void trials_parse(struct trials *t, struct arena *arena,
    const struct source *source, struct mistakes *mistakes);

/* What was wanted, in words: "a/x, b/y", "a/x first", "an error: timeout". */
void trial_put_wanted(const struct trial *t, struct buf *out);
