#pragma once
/*
 * window: what was seen of one target lately: attempts, failures, and how
 * fast it answered, over a sliding window of WINDOW_SLICES slices of time.
 * Quantiles come from a histogram with bins a fixed factor apart, so they are
 * right within that factor (WINDOW_ERROR).  Adding and reading cost no
 * allocation, and the same however much was seen.  Pure: time is an argument
 * (monotonic microseconds).  Not thread-safe: its owner has a lock.
 */
#include "common/base/lang.h"

#define WINDOW_SLICES   10
#define WINDOW_SLICE_US ((int64_t)60 * 1000000)
#define WINDOW_BINS     48  /* 1 ms to a quarter of an hour */
#define WINDOW_ERROR    1.2 /* a quantile is within this factor */

struct window_slice {
	uint32_t attempts, failures;
	uint64_t output_tokens, output_us; /* of streams: for tokens a second */
	uint32_t ttft[WINDOW_BINS], total[WINDOW_BINS];
};

struct window {
	int64_t begun_us; /* of the newest slice; 0: nothing was seen */
	size_t newest;
	struct window_slice slices[WINDOW_SLICES];
	struct window_slice sum; /* of all of them */
};

/* One attempt that said something about its target. */
struct window_seen {
	bool failed;           /* by the target's fault */
	int64_t ttft_us;       /* to the first content; 0: none came */
	int64_t total_us;      /* to the end; counted when it did not fail */
	int64_t output_tokens; /* in total_us - ttft_us; 0: not known */
};

void window_add(struct window *w, const struct window_seen *seen,
    int64_t now_us);

/* What the window says; zeros where nothing was seen. */
struct sight {
	int64_t attempts, failures;
	int64_t ttft_p50_us, ttft_p95_us;
	int64_t total_p50_us, total_p95_us;
	double tokens_per_s;
};

void window_look(struct window *w, struct sight *sight, int64_t now_us);
