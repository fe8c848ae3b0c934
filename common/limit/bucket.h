#pragma once
/*
 * bucket: a rate with a burst, as a leaky bucket that meters (ITU-T I.371,
 * the continuous state): what is owed drains at the rate, and what fits below
 * the burst is let in.  What is larger than the burst is let in when nothing
 * is owed, and what turns out to be more than was taken is a debt; the next
 * ones wait for both.  All numbers are whole: nothing is lost in rounding.
 * Pure: time is an argument (monotonic microseconds).  Not thread-safe.
 */
#include "common/base/lang.h"

struct bucket {
	int64_t per_minute; /* 0: lets everything in */
	int64_t burst;      /* at least 1 where there is a rate */
	int64_t owed;       /* at at_us, in parts of a unit */
	int64_t at_us;
	int64_t full_us; /* nothing was owed then; all older is forgotten */
};

/* Another rate; what is taken stays taken.  Starts zeroed. */
void bucket_set(struct bucket *b, int64_t per_minute, int64_t burst,
    int64_t now_us);

/* All was taken at that time: for who does not know how much was. */
void bucket_empty(struct bucket *b, int64_t at_us);

/* How long until it lets in so many; 0: now. */
int64_t bucket_wait_us(const struct bucket *b, int64_t units, int64_t now_us);

/* Take them, also where that makes a debt. */
void bucket_take(struct bucket *b, int64_t units, int64_t now_us);

/* Put back what was taken at that time and not used.  Nothing, if the bucket
 * was full since: then it has come back already. */
void bucket_give(struct bucket *b, int64_t units, int64_t taken_us);

/* What was taken at that time came to so much: take or give the rest. */
void bucket_settle(struct bucket *b, int64_t taken, int64_t taken_us,
    int64_t real, int64_t now_us);

/* What is left of the burst; negative: a debt. */
int64_t bucket_left(const struct bucket *b, int64_t now_us);

/* Until it is full again. */
int64_t bucket_full_us(const struct bucket *b, int64_t now_us);
