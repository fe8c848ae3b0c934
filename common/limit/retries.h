#pragma once
/*
 * retries: the budget of retries on the same target: at most a fifth of the
 * requests, and a few to begin with, so that a provider in trouble does not
 * get its load twice.  Over any time
 *
 *	retries <= requests / RETRIES_SHARE + RETRIES_RESERVE
 *
 * Safe in any thread.
 */
#include <stdatomic.h>

#include "common/base/lang.h"

#define RETRIES_SHARE   5  /* requests for each retry */
#define RETRIES_RESERVE 10 /* at start, and the most that are saved up */

/* Who asks for a longer wait than that is not waited for. */
#define RETRIES_WAIT_MAX_MS 2000

struct retries {
	atomic_int saved; /* in fifths of a retry */
};

void retries_init(struct retries *r);

/* A request came that may be sent on: others are no load of a provider. */
void retries_earn(struct retries *r);

/* May it be tried again?  Takes one. */
must_check bool retries_take(struct retries *r);
