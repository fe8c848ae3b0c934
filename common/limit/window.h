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

/*
 * Bin i begins at 1 ms times 1.33^i; the first has all that is faster, the
 * last (from eleven minutes) all that is slower.  A quantile is the
 * logarithmic middle of the bin that has it, so between 1 ms and a quarter of
 * an hour it is at most the root of 1.33 off.
 */
#define WINDOW_BINS  48
#define WINDOW_ERROR 1.16

struct window_slice {
	uint32_t attempts, failures;
	uint64_t output_tokens, output_us; /* of streams: for tokens a second */
	uint32_t ttft[WINDOW_BINS], total[WINDOW_BINS];
};

/* Starts zeroed.  The newest slice is not full yet: 9 to 10 minutes count. */
struct window {
	int64_t begun_us; /* of the newest slice: a multiple of its length */
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

/* Times may go back a little between threads: it counts as the newest. */
void window_add(struct window *w, const struct window_seen *seen,
    int64_t now_us);

/*
 * What the window says; zeros where nothing was seen.  Of n times the 50th
 * percentile is the one of rank n / 2, rounded up; the 95th likewise.
 */
struct sight {
	int64_t attempts, failures;
	int64_t ttft_p50_us, ttft_p95_us;
	int64_t total_p50_us, total_p95_us;
	double tokens_per_s;
};

void window_look(struct window *w, struct sight *sight, int64_t now_us);
