#pragma once
/*
 * clock: microseconds.  Monotonic time is for arithmetic (deadlines, limits,
 * heartbeats), wall time for rows and signatures only.  Safe in any thread.
 */
#include "common/base/lang.h"

#define US_PER_MS     1000
#define US_PER_SECOND 1000000

/* Microseconds since some fixed moment; never goes back. */
int64_t clock_mono_us(void);

/* The same, but it also runs while the machine sleeps. */
int64_t clock_boot_us(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

/* Microseconds that this thread has had a processor. */
int64_t clock_thread_us(void);

#define CLOCK_TEXT_BYTES 28

/* Write "2026-11-23T04:05:06.123456Z" and a NUL. */
void clock_write(int64_t wall_us, char text[CLOCK_TEXT_BYTES]);
