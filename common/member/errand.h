#pragma once
/*
 * errand: what takes long and must hold up nobody, such as a report: done on
 * one thread of the process, one after the other, below everything else in
 * priority.  The clerk's loop sends it and has it back.
 */
#include <stdatomic.h>

#include "common/base/list.h"

struct errands;
struct loop;

struct errand {
	struct list link;
	/* On that thread; ends early when *stop is set. */
	void (*run)(struct errand *e, const atomic_bool *stop);
	/* On the loop's thread, afterwards; or at the end without a run. */
	void (*done)(struct errand *e);
};

#define ERRANDS_WAITING_MAX 16

/* NULL when the kernel gives no thread. */
struct errands *errands_new(struct loop *loop);

/* Stops what runs, calls done of all that is left.  NULL is fine. */
void errands_free(struct errands *es);

/* False: too many wait; nothing happens. */
must_check bool errands_send(struct errands *es, struct errand *e);
