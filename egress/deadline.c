#include "egress/deadline.h"

#include "common/base/clock.h"

int64_t
deadline_bound_ms(int64_t said_ms)
{
	return min_i64(max_i64(said_ms, 0), DEADLINE_MAX_MS);
}

int64_t
deadline_left_ms(int64_t remaining_ms, int64_t passed_us, int64_t most_ms)
{
	int64_t left_ms = remaining_ms - passed_us / US_PER_MS;

	return max_i64(min_i64(left_ms, most_ms), 1);
}
