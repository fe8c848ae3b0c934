#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

static int64_t
read_us(clockid_t which)
{
	struct timespec ts;

	clock_gettime(which, &ts);
	return (int64_t)ts.tv_sec * US_PER_SECOND + ts.tv_nsec / 1000;
}

int64_t
clock_mono_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

void
clock_write(int64_t wall_us, char text[CLOCK_TEXT_BYTES])
{
	time_t seconds = (time_t)(wall_us / US_PER_SECOND);
	char date[20];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, CLOCK_TEXT_BYTES, "%s.%06uZ", date,
	    (unsigned)(wall_us % US_PER_SECOND) % US_PER_SECOND);
}
