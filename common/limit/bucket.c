#include "common/limit/bucket.h"

/* Parts of a unit: as many as a minute has microseconds, so that in each of
 * them as many drain as the rate says. */
#define PARTS ((int64_t)60 * 1000000)
/* Two of them can be added up. */
#define OWED_MAX  (INT64_MAX / 2)
#define BURST_MAX (OWED_MAX / PARTS / 2)
/* Nothing is waited for longer: times can be added up. */
#define WAIT_US_MAX ((int64_t)366 * 24 * 3600 * 1000000)

static int64_t
parts(int64_t units)
{
	return min_i64(max_i64(units, 0), OWED_MAX / PARTS) * PARTS;
}

static int64_t
owed_at(const struct bucket *b, int64_t now_us)
{
	int64_t drained;

	if (b->owed == 0 || now_us <= b->at_us)
		return b->owed;
	if (__builtin_mul_overflow(now_us - b->at_us, b->per_minute, &drained))
		return 0;
	return max_i64(b->owed - drained, 0);
}

static void
drain(struct bucket *b, int64_t now_us)
{
	b->owed = owed_at(b, now_us);
	b->at_us = max_i64(b->at_us, now_us);
	if (b->owed == 0)
		b->full_us = b->at_us;
}

void
bucket_set(struct bucket *b, int64_t per_minute, int64_t burst, int64_t now_us)
{
	if (b->per_minute == 0)
		*b = (struct bucket){ .at_us = now_us };
	drain(b, now_us);
	b->per_minute = max_i64(per_minute, 0);
	b->burst = min_i64(max_i64(burst, 1), BURST_MAX);
}

/* Where the time lies back, some of it has drained since. */
void
bucket_empty(struct bucket *b, int64_t at_us)
{
	struct bucket emptied = *b;

	if (b->per_minute == 0)
		return;
	drain(b, at_us);
	emptied.owed = parts(b->burst);
	emptied.at_us = at_us;
	b->owed = max_i64(b->owed, owed_at(&emptied, b->at_us));
}

static int64_t
drains_in_us(const struct bucket *b, int64_t owed)
{
	int64_t rest = owed % b->per_minute > 0;

	return min_i64(owed / b->per_minute + rest, WAIT_US_MAX);
}

int64_t
bucket_wait_us(const struct bucket *b, int64_t units, int64_t now_us)
{
	int64_t above;

	if (b->per_minute == 0 || units <= 0)
		return 0;
	above = owed_at(b, now_us) - parts(b->burst - min_i64(units, b->burst));
	return above > 0 ? drains_in_us(b, above) : 0;
}

void
bucket_take(struct bucket *b, int64_t units, int64_t now_us)
{
	if (b->per_minute == 0 || units <= 0)
		return;
	drain(b, now_us);
	b->owed = min_i64(b->owed + parts(units), OWED_MAX);
}

void
bucket_give(struct bucket *b, int64_t units, int64_t taken_us)
{
	if (b->per_minute > 0 && taken_us >= b->full_us)
		b->owed = max_i64(b->owed - parts(units), 0);
}

void
bucket_settle(struct bucket *b, int64_t taken, int64_t taken_us, int64_t real,
    int64_t now_us)
{
	taken = max_i64(taken, 0);
	real = max_i64(real, 0);
	if (real > taken)
		bucket_take(b, real - taken, now_us);
	else
		bucket_give(b, taken - real, taken_us);
}

int64_t
bucket_left(const struct bucket *b, int64_t now_us)
{
	if (b->per_minute == 0)
		return INT64_MAX;
	return b->burst - (owed_at(b, now_us) + PARTS - 1) / PARTS;
}

int64_t
bucket_full_us(const struct bucket *b, int64_t now_us)
{
	return b->per_minute == 0 ? 0 : drains_in_us(b, owed_at(b, now_us));
}
