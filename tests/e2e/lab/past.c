/* past: the wall clock of a process that has this preloaded, put back by
 * GSR_PAST_S seconds.  For tests of what takes days. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static time_t
past_s(void)
{
	const char *text = getenv("GSR_PAST_S");

	return text != NULL ? (time_t)atoll(text) : 0;
}

int
clock_gettime(clockid_t clock, struct timespec *at)
{
	int result = (int)syscall(SYS_clock_gettime, clock, at);

	if (result == 0 && clock == CLOCK_REALTIME)
		at->tv_sec -= past_s();
	return result;
}

int
gettimeofday(struct timeval *at, void *zone)
{
	struct timespec now;
	int result = clock_gettime(CLOCK_REALTIME, &now);

	(void)zone;
	at->tv_sec = now.tv_sec;
	at->tv_usec = now.tv_nsec / 1000;
	return result;
}

time_t
time(time_t *at)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (at != NULL)
		*at = now.tv_sec;
	return now.tv_sec;
}
