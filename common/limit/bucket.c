#include "common/limit/bucket.h"

#define NS_PER_US     1000
#define NS_PER_MINUTE ((__int128)60 * 1000000000)
/* Nothing is waited for longer: no sum of times can overflow. */
#define COST_NS_MAX ((int64_t)366 * 24 * 3600 * 1000000000)

static int64_t
cost_ns(const struct bucket *b, int64_t units)
{
	__int128 ns;

	if (b->per_minute <= 0 || units <= 0)
		return 0;
	ns = ((__int128)units * NS_PER_MINUTE + b->per_minute - 1) /
	     b->per_minute;
	return ns > COST_NS_MAX ? COST_NS_MAX : (int64_t)ns;
}

static int64_t
units_of(const struct bucket *b, int64_t ns)
{
	return (int64_t)((__int128)ns * b->per_minute / NS_PER_MINUTE);
}

void
bucket_set(struct bucket *b, int64_t per_minute, int64_t burst, int64_t now_us)
{
	int64_t now_ns = now_us * NS_PER_US;
	int64_t taken = 0;

	if (b->per_minute == per_minute && b->burst == burst)
		return;
	if (b->per_minute > 0 && b->paid_ns > now_ns)
		taken = units_of(b, b->paid_ns - now_ns);
	b->per_minute = per_minute;
	b->burst = max_i64(burst, 1);
	b->paid_ns = now_ns + cost_ns(b, taken);
}

void
bucket_empty(struct bucket *b, int64_t at_us)
{
	b->paid_ns =
	    max_i64(b->paid_ns, at_us * NS_PER_US + cost_ns(b, b->burst));
}

int64_t
bucket_wait_us(const struct bucket *b, int64_t units, int64_t now_us)
{
	int64_t now_ns = now_us * NS_PER_US, wait_ns;

	if (b->per_minute == 0 || units <= 0)
		return 0;
	wait_ns = max_i64(b->paid_ns, now_ns) - now_ns +
		  cost_ns(b, min_i64(units, b->burst)) - cost_ns(b, b->burst);
	return wait_ns > 0 ? (wait_ns + NS_PER_US - 1) / NS_PER_US : 0;
}

void
bucket_take(struct bucket *b, int64_t units, int64_t now_us)
{
	if (b->per_minute > 0 && units > 0)
		b->paid_ns =
		    max_i64(b->paid_ns, now_us * NS_PER_US) + cost_ns(b, units);
}

void
bucket_give(struct bucket *b, int64_t units)
{
	b->paid_ns -= cost_ns(b, units);
}

int64_t
bucket_left(const struct bucket *b, int64_t now_us)
{
	int64_t owed_ns = max_i64(b->paid_ns - now_us * NS_PER_US, 0);
	__int128 owed;

	if (b->per_minute == 0)
		return INT64_MAX;
	owed = (__int128)owed_ns * b->per_minute;
	return b->burst - (int64_t)((owed + NS_PER_MINUTE - 1) / NS_PER_MINUTE);
}

int64_t
bucket_full_us(const struct bucket *b, int64_t now_us)
{
	if (b->per_minute == 0)
		return 0;
	return max_i64(b->paid_ns - now_us * NS_PER_US, 0) / NS_PER_US;
}
