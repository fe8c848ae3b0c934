#include "common/limit/shaper.h"

#include <assert.h>

#define MINUTE_S 60
/* Ten seconds' worth: a token rate's burst, unless it is said. */
#define BURSTS_A_MINUTE 6

const char *
shaper_bucket_name(enum shaper_bucket b)
{
	static const char *const names[] = {
		[SHAPER_STARTS] = "rpm",
		[SHAPER_INPUT] = "input_tpm",
		[SHAPER_OUTPUT] = "output_tpm",
		[SHAPER_TOKENS] = "tpm",
		[SHAPER_CONCURRENT] = "concurrent",
	};

	return names[b];
}

static int64_t
units(const struct toll *toll, enum shaper_bucket b)
{
	switch (b) {
	case SHAPER_STARTS:
		return 1;
	case SHAPER_INPUT:
		return toll->input_tokens;
	case SHAPER_OUTPUT:
		return toll->output_tokens;
	default:
		return toll->input_tokens + toll->output_tokens;
	}
}

int64_t
shaper_token_burst(const struct shaping_terms *terms, int64_t per_minute)
{
	return terms->token_burst > 0
		   ? terms->token_burst
		   : max_i64(per_minute / BURSTS_A_MINUTE, 1);
}

static void
set_tokens(struct bucket *b, int64_t per_minute,
    const struct shaping_terms *terms, int64_t now_us)
{
	bucket_set(b, per_minute, shaper_token_burst(terms, per_minute),
	    now_us);
}

void
shaper_set(struct shaper *s, const struct shaping_terms *terms, int64_t now_us)
{
	bucket_set(&s->rates[SHAPER_STARTS], terms->rpm,
	    terms->burst > 0 ? terms->burst : terms->rpm / MINUTE_S, now_us);
	set_tokens(&s->rates[SHAPER_INPUT], terms->input_tpm, terms, now_us);
	set_tokens(&s->rates[SHAPER_OUTPUT], terms->output_tpm, terms, now_us);
	set_tokens(&s->rates[SHAPER_TOKENS], terms->tpm, terms, now_us);
	s->concurrent = terms->concurrent;
}

void
shaper_empty(struct shaper *s, int64_t last_us)
{
	enum shaper_bucket b;

	for (b = SHAPER_STARTS; b < SHAPER_RATES; b++)
		bucket_empty(&s->rates[b], last_us);
}

int64_t
shaper_wait_us(const struct shaper *s, const struct toll *toll,
    enum shaper_bucket *which, int64_t now_us)
{
	int64_t longest = 0, wait;
	enum shaper_bucket b;

	for (b = SHAPER_STARTS; b < SHAPER_RATES; b++) {
		wait = bucket_wait_us(&s->rates[b], units(toll, b), now_us);
		if (wait <= longest)
			continue;
		longest = wait;
		*which = b;
	}
	if (longest > 0 || s->concurrent == 0 || s->running < s->concurrent)
		return longest;
	*which = SHAPER_CONCURRENT;
	return SHAPER_SLOT_US;
}

void
shaper_take(struct shaper *s, const struct toll *toll, int64_t now_us)
{
	enum shaper_bucket b;

	for (b = SHAPER_STARTS; b < SHAPER_RATES; b++)
		bucket_take(&s->rates[b], units(toll, b), now_us);
	s->running++;
}

static void
leave(struct shaper *s)
{
	assert(s->running > 0);
	s->running--;
}

void
shaper_settle(struct shaper *s, const struct toll *taken, int64_t taken_us,
    const struct toll *real, int64_t now_us)
{
	enum shaper_bucket b;

	leave(s);
	for (b = SHAPER_INPUT; b < SHAPER_RATES; b++)
		bucket_settle(&s->rates[b], units(taken, b), taken_us,
		    units(real, b), now_us);
}

void
shaper_undo(struct shaper *s, const struct toll *taken, int64_t taken_us)
{
	enum shaper_bucket b;

	leave(s);
	for (b = SHAPER_STARTS; b < SHAPER_RATES; b++)
		bucket_give(&s->rates[b], units(taken, b), taken_us);
}
