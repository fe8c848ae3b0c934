#pragma once
/*
 * timeout: many of any length on one timer.  They are pushed into the future
 * far more often than they pass (at each chunk of a stream), so pushing one is
 * a store; the timer stays where it is and looks again when it fires.
 * Owned by one loop.
 */
#include "common/base/lang.h"
#include "common/base/list.h"

struct loop;
struct timeouts;

#define TIMEOUT_NEVER INT64_MAX

/* Embedded in its owner. */
struct timeout {
	struct list link;
	int64_t due_us;  /* as timeout_push moves it */
	int64_t last_us; /* fixed; whichever is first counts */
	void (*late)(void *arg);
	void *arg;
};

struct timeouts *timeouts_new(struct loop *loop);

/* None is running. */
void timeouts_free(struct timeouts *ts);

void timeout_init(struct timeout *t, void (*late)(void *arg), void *arg);

/*
 * Call `late` once when `last_us` (clock_mono_us), or what timeout_push sets,
 * has passed.  It may start, push and stop any of them.
 */
void timeout_start(struct timeouts *ts, struct timeout *t, int64_t last_us);

/* Due then, in place of the former push; it is running. */
void timeout_push(struct timeouts *ts, struct timeout *t, int64_t due_us);

/* Harmless when it is not running. */
void timeout_stop(struct timeout *t);
