#include "node/policy/alarm.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "common/base/clock.h"

/*
 * ThreadSanitizer holds signals back until the thread makes a system call,
 * which guest code never does; it does not know the C library's own name.
 * And it must not be left in the middle of its own work, which memcpy and
 * every function of ours begin with: there, only the engine's code is left.
 */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNWATCHED                                                              \
	__attribute__((no_sanitize("thread"),                                  \
	    disable_sanitizer_instrumentation))
#define LATER_US 50
int __sigaction(int, const struct sigaction *, struct sigaction *);
#define sigaction(number, action, old) __sigaction(number, action, old)

/* The linker's names for where the engine is (Makefile). */
extern const char __start_engine_text[], __stop_engine_text[];

UNWATCHED static bool
may_leave(const void *context)
{
	const ucontext_t *was = context;
#if defined(__x86_64__)
	uintptr_t at = (uintptr_t)was->uc_mcontext.gregs[REG_RIP];
#else
	uintptr_t at = (uintptr_t)was->uc_mcontext.pc;
#endif

	return at >= (uintptr_t)__start_engine_text &&
	       at < (uintptr_t)__stop_engine_text;
}
#endif
#endif
#ifndef UNWATCHED
#define UNWATCHED
#define LATER_US           0
#define may_leave(context) true
#endif

UNWATCHED static int64_t
now_us(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

UNWATCHED static bool
ring_after(timer_t timer, int64_t us)
{
	const struct itimerspec after = {
		.it_value = { .tv_sec = us / US_PER_SECOND,
		    .tv_nsec = us % US_PER_SECOND * 1000 }
	};

	return timer_settime(timer, 0, &after, NULL) == 0;
}

/* What it calls may be called in a signal's handler (signal-safety(7)). */
UNWATCHED static void
on_alarm(int number, siginfo_t *info, void *context)
{
	struct alarm *a = info->si_value.sival_ptr;
	int64_t cpu_left, wall_left;
	int error = errno;

	(void)number;
	(void)context;
	if (info->si_code != SI_TIMER || a == NULL || !a->armed)
		return;
	if (!may_leave(context) && ring_after(a->timer, LATER_US)) {
		errno = error;
		return;
	}
	cpu_left = a->cpu_end_us - now_us(CLOCK_THREAD_CPUTIME_ID);
	wall_left = a->wall_end_us - now_us(CLOCK_MONOTONIC);
	if (cpu_left > 0 && wall_left > 0 &&
	    ring_after(a->timer, min_i64(cpu_left, wall_left))) {
		errno = error;
		return;
	}
	a->armed = 0;
	siglongjmp(a->back, 1);
}

static void
take_signal(void)
{
	/* Not blocked while it is handled: the handler may not return. */
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
	timer_delete(a->timer);
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
	    timer_create(CLOCK_MONOTONIC, &event, &a->timer) != 0)
		return false;
	a->bound = true;
	return true;
}

/* Armed first: a time that is up at once must not be missed. */
static bool
start(struct alarm *a, int64_t cpu_us, int64_t wall_us)
{
	a->cpu_end_us = now_us(CLOCK_THREAD_CPUTIME_ID) + cpu_us;
	a->wall_end_us = now_us(CLOCK_MONOTONIC) + wall_us;
	a->armed = 1;
	return ring_after(a->timer, min_i64(cpu_us, wall_us));
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
	if (start(a, cpu_us, wall_us))
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
	ring_after(a->timer, 0);
}
