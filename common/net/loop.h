#pragma once
/*
 * loop: one thread's event loop and its turn.  The only file that sees
 * libevent.  Everything but loop_post and loop_stop is for the loop's own
 * thread.
 *
 * A turn takes the ready events and calls their functions; then come the
 * phases, each calling what was added to it, in order of adding.  A turn that
 * was asked for by loop_again does not sleep first.
 */
#include "common/base/lang.h"
#include "common/base/list.h"

struct loop;

enum loop_phase {
	LOOP_RUN,     /* run requests, take and answer HTTP */
	LOOP_FLUSH,   /* send control and DATA frames, which wait for nothing */
	LOOP_COMMIT,  /* write the rows of this turn */
	LOOP_RELEASE, /* let go what depended on them */
	LOOP_REST,    /* free what died in this turn */
	LOOP_PHASES
};

/* Never fails but for want of memory or descriptors, which is fatal. */
struct loop *loop_new(const char *name);

/*
 * The loop is stopped and nothing is left in it: watches, timers, tasks of
 * loop_soon.  Tasks of loop_rest are run.
 */
void loop_free(struct loop *l);

/* Turns until loop_stop. */
void loop_run(struct loop *l);

/* Any thread; the turn under way is the last. */
void loop_stop(struct loop *l);

/* Monotonic microseconds when this turn woke up. */
int64_t loop_now_us(const struct loop *l);

/* The turns so far. */
uint64_t loop_turns(const struct loop *l);

/* Do not sleep before the next turn. */
void loop_again(struct loop *l);

void loop_each_turn(struct loop *l, enum loop_phase phase,
    void (*call)(void *arg), void *arg);

/* No longer: it was added before, with the same argument. */
void loop_each_turn_stop(struct loop *l, enum loop_phase phase,
    void (*call)(void *arg), void *arg);

/*
 * A task is embedded in its owner; it is queued at most once, and queueing it
 * again is harmless.  Tasks of RUN queued in a phase after RUN run in the next
 * turn, which then does not sleep.
 */
struct loop_task {
	struct list link;
	void (*call)(void *arg);
	void *arg;
};

void loop_task_init(struct loop_task *t, void (*call)(void *arg), void *arg);

/* Run it once, in RUN: after the events, before and after HTTP. */
void loop_soon(struct loop *l, struct loop_task *t);

/* Run it once, at the end of this turn: for freeing. */
void loop_rest(struct loop *l, struct loop_task *t);

/* It will not run; harmless when it was not queued. */
void loop_task_cancel(struct loop_task *t);

/*
 * Call once on the loop's thread from any thread.  The mailbox is bounded:
 * false when it is full or the loop has ended, and then nothing happens.
 */
must_check bool loop_post(struct loop *l, void (*call)(void *arg), void *arg);

enum {
	LOOP_READ = 1,
	LOOP_WRITE = 2,
	/* The peer closed its side or reset: told once, then not again. */
	LOOP_CLOSED = 4
};

/*
 * Watch a descriptor, level-triggered; each call is told one of the above.
 * Data that comes in does not wake a watch for LOOP_CLOSED alone.
 */
struct loop_watch;

struct loop_watch *loop_watch_new(struct loop *l, int fd,
    void (*call)(void *arg, int what), void *arg);

/* Watch for these from now on; 0 watches nothing. */
void loop_watch_for(struct loop_watch *w, int what);

/* Does not close the descriptor; NULL is fine. */
void loop_watch_free(struct loop_watch *w);

/* A timer is owned by whoever made it and fires once per loop_timer_set. */
struct loop_timer;

struct loop_timer *loop_timer_new(struct loop *l, void (*call)(void *arg),
    void *arg);

/* Fire after that many microseconds, in place of any earlier setting. */
void loop_timer_set(struct loop_timer *t, int64_t after_us);

void loop_timer_clear(struct loop_timer *t);

/* NULL is fine. */
void loop_timer_free(struct loop_timer *t);
