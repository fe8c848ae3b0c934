#pragma once
/*
 * bucket: a rate with a burst, by the generic cell rate algorithm (ITU-T
 * I.371): one number, the time at which what was taken is paid for.  What is
 * larger than the burst is let in when the bucket is full, and what turns out
 * to be more than was taken is a debt; the next ones wait for both.  Pure:
 * time is an argument (monotonic microseconds).  Not thread-safe.
 */
#include "common/base/lang.h"

struct bucket {
	int64_t per_minute; /* 0: lets everything in */
	int64_t burst;      /* at least 1 where there is a rate */
	int64_t paid_ns;    /* the time in question; in the past: full */
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

/* Put back what was taken and not used. */
void bucket_give(struct bucket *b, int64_t units);

/* What is left of the burst; negative: a debt. */
int64_t bucket_left(const struct bucket *b, int64_t now_us);

/* Until it is full again. */
int64_t bucket_full_us(const struct bucket *b, int64_t now_us);
