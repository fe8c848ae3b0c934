#pragma once
/*
 * timer: what is due when, as a binary heap of timers that live in their
 * owners.  Time is passed in, in microseconds of any clock that never goes
 * back.  A timer is set at most once at a time; setting it again moves it.
 */
#include <stddef.h>
#include <stdint.h>

struct timer {
	int64_t due_us;
	size_t slot; /* place in the heap plus 1; 0 is not set */
};

struct timers {
	struct timer **heap;
	size_t count, cap;
};

void timers_fini(struct timers *all);

void timer_set(struct timers *all, struct timer *t, int64_t due_us);

/* Harmless when it is not set. */
void timer_clear(struct timers *all, struct timer *t);

/* The earliest timer when it is due, cleared; NULL when none is. */
struct timer *timer_take_due(struct timers *all, int64_t now_us);

/* Milliseconds to sleep until the earliest, rounded up; -1 for no timer. */
int timers_sleep_ms(const struct timers *all, int64_t now_us);
