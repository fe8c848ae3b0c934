#pragma once
/*
 * shaper: the bursts of one caller, group, account or model smoothed: starts,
 * input, output and all tokens as rates, and how many are under way.  What a
 * request takes is let in by all of them or by none.  Pure: time is an
 * argument (monotonic microseconds).  Not thread-safe.
 */
#include "common/limit/bucket.h"
#include "common/limit/terms.h"

enum shaper_bucket {
	SHAPER_STARTS,
	SHAPER_INPUT,
	SHAPER_OUTPUT,
	SHAPER_TOKENS,
	SHAPER_RATES,
	SHAPER_CONCURRENT = SHAPER_RATES
};

/* "rpm", "input_tpm", "output_tpm", "tpm", "concurrent": the file's words. */
const char *shaper_bucket_name(enum shaper_bucket b);

/* Of a rate of tokens: how many of them may go at once. */
int64_t shaper_token_burst(const struct shaping_terms *terms,
    int64_t per_minute);

/* What a request takes: as estimated, or in the end. */
struct toll {
	int64_t input_tokens, output_tokens;
};

struct shaper {
	struct bucket rates[SHAPER_RATES];
	int64_t running, concurrent; /* under way; at most, 0: any */
};

/* New terms: what is taken stays.  Starts zeroed: lets everything in. */
void shaper_set(struct shaper *s, const struct shaping_terms *terms,
    int64_t now_us);

/* Nothing is known of it after that time: see bucket_empty. */
void shaper_empty(struct shaper *s, int64_t last_us);

/* Until a slot is free nobody knows: it counts as so much. */
#define SHAPER_SLOT_US ((int64_t)1000000)

/* How long until it lets this in, and what is in the way; 0: now. */
int64_t shaper_wait_us(const struct shaper *s, const struct toll *toll,
    enum shaper_bucket *which, int64_t now_us);

void shaper_take(struct shaper *s, const struct toll *toll, int64_t now_us);

/* It is over, and this is what it really took. */
void shaper_settle(struct shaper *s, const struct toll *taken, int64_t taken_us,
    const struct toll *real, int64_t now_us);

/* It did not happen. */
void shaper_undo(struct shaper *s, const struct toll *taken, int64_t taken_us);
