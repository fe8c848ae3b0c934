#include "node/policy/alarm.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

/*
 * ThreadSanitizer holds signals back until the thread makes a system call,
 * which guest code never does; it does not know the C library's own name.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNWATCHED __attribute__((no_sanitize("thread")))
int __sigaction(int, const struct sigaction *, struct sigaction *);
#define sigaction(number, action, old) __sigaction(number, action, old)
#endif
#endif
#ifndef UNWATCHED
#define UNWATCHED
#endif

UNWATCHED static void
on_alarm(int number, siginfo_t *info, void *context)
{
	struct alarm *a = info->si_value.sival_ptr;

	(void)number;
	(void)context;
	if (info->si_code != SI_TIMER || a == NULL || !a->armed)
		return;
	a->armed = 0;
	siglongjmp(a->back, 1);
}

static void
take_signal(void)
{
	/* Not blocked while it is handled: the handler does not return. */
	struct sigaction action = { .sa_flags =
					SA_SIGINFO | SA_NODEFER | SA_RESTART };
	int taken;

	action.sa_sigaction = on_alarm;
	taken = sigaction(ALARM_SIGNAL, &action, NULL);
	assert(taken == 0);
}

void
alarm_init(struct alarm *a)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, take_signal);
	memset(a, 0, sizeof(*a));
}

static void
unbind(struct alarm *a)
{
	if (!a->bound)
		return;
	timer_delete(a->cpu);
	timer_delete(a->wall);
	a->bound = false;
}

void
alarm_fini(struct alarm *a)
{
	unbind(a);
}

static bool
bind_here(struct alarm *a)
{
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = ALARM_SIGNAL,
		.sigev_value.sival_ptr = a };
	sigset_t ours;

	a->armed = 0;
	unbind(a);
	a->thread = gettid();
	event._sigev_un._tid = a->thread;
	sigemptyset(&ours);
	sigaddset(&ours, ALARM_SIGNAL);
	if (pthread_sigmask(SIG_UNBLOCK, &ours, NULL) != 0 ||
	    timer_create(CLOCK_THREAD_CPUTIME_ID, &event, &a->cpu) != 0)
		return false;
	if (timer_create(CLOCK_MONOTONIC, &event, &a->wall) != 0) {
		timer_delete(a->cpu);
		return false;
	}
	a->bound = true;
	return true;
}

static bool
set(timer_t timer, int64_t us)
{
	const struct itimerspec after = {
		.it_value = { .tv_sec = us / US_PER_SECOND,
		    .tv_nsec = us % US_PER_SECOND * 1000 }
	};

	return timer_settime(timer, 0, &after, NULL) == 0;
}

/* Armed first: a time that is up at once must not be missed. */
static bool
set_both(struct alarm *a, int64_t cpu_us, int64_t wall_us)
{
	a->armed = 1;
	return set(a->cpu, cpu_us) && set(a->wall, wall_us);
}

bool
alarm_is_ours(const struct alarm *a)
{
	return a->bound && a->thread == gettid();
}

bool
alarm_arm(struct alarm *a, int64_t cpu_us, int64_t wall_us)
{
	assert(cpu_us > 0 && wall_us > 0);
	if (!alarm_is_ours(a) && !bind_here(a))
		return false;
	if (set_both(a, cpu_us, wall_us))
		return true;
	/* The number was that of a thread that is no more. */
	if (errno == ESRCH && bind_here(a) && set_both(a, cpu_us, wall_us))
		return true;
	alarm_disarm(a);
	return false;
}

void
alarm_disarm(struct alarm *a)
{
	a->armed = 0;
	if (!a->bound)
		return;
	set(a->cpu, 0);
	set(a->wall, 0);
}
