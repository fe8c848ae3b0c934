#include "common/base/clock.h"

#include <stdio.h>
#include <time.h>

#define LAST_US (253402300800 * US_PER_SECOND - 1) /* of the year 9999 */

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
clock_boot_us(void)
{
	return read_us(CLOCK_BOOTTIME);
}

int64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

int64_t
clock_thread_us(void)
{
	return read_us(CLOCK_THREAD_CPUTIME_ID);
}

/* Times before 1970 or after 9999 are shown as the nearest there is. */
void
clock_write(int64_t wall_us, char text[CLOCK_TEXT_BYTES])
{
	char date[20];
	struct tm tm;
	time_t seconds;

	wall_us = max_i64(0, min_i64(wall_us, LAST_US));
	seconds = (time_t)(wall_us / US_PER_SECOND);
	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, CLOCK_TEXT_BYTES, "%s.%06uZ", date,
	    (unsigned)(wall_us % US_PER_SECOND) % US_PER_SECOND);
}
