#pragma once
/*
 * alarm: ends guest code of a thread after some CPU time or wall time,
 * wherever it is: a signal for that thread alone jumps back to where it was
 * let in.  The kernel's own timers of CPU time go by its ticks, so a timer of
 * the wall clock rings and looks at how much CPU was taken; who was kept from
 * running goes on.  Code under an alarm may hold no lock and take nothing that
 * has to be given back.  One alarm belongs to one thread at a time: the one
 * that set it last, which lives until another one does.  The signal is
 * ALARM_SIGNAL; no other file may use it.
 */
#include <setjmp.h>
#include <signal.h>
#include <sys/types.h>
#include <time.h>

#include "common/base/lang.h"

/* Free of glibc's own (the first two), systemd's, and our libraries'. */
#define ALARM_SIGNAL (SIGRTMIN + 6)

struct alarm {
	sigjmp_buf back; /* set by whoever lets guest code in, mask not kept */
	volatile sig_atomic_t armed;
	bool bound; /* the timer exists, for that thread */
	pid_t thread;
	timer_t timer;
	int64_t cpu_end_us;  /* of the thread's CPU time */
	int64_t wall_end_us; /* monotonic */
};

/* Start zeroed.  The first one of a process takes the signal, for good. */
void alarm_init(struct alarm *a);

void alarm_fini(struct alarm *a);

/*
 * From now on, siglongjmp to `back` with 1 when either time is up.  False when
 * the kernel gives no timers; nothing is armed then.
 */
must_check bool alarm_arm(struct alarm *a, int64_t cpu_us, int64_t wall_us);

/* Was this the thread that armed it last? */
bool alarm_is_ours(const struct alarm *a);

/* Nothing rings any more once this has returned. */
void alarm_disarm(struct alarm *a);
