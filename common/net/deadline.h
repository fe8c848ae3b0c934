#pragma once
/*
 * deadline: many things that each may take the same time.  They expire in the
 * order in which they were started, so one queue needs one look at its first;
 * starting, moving and stopping cost a few pointers.  Time is an argument.
 */
#include "common/base/list.h"

struct deadline {
	struct list link;
	int64_t at_us;
};

struct deadline_queue {
	struct list running; /* by at_us */
	int64_t wait_us;
};

void deadline_queue_init(struct deadline_queue *q, int64_t wait_us);

void deadline_init(struct deadline *d);

/* From now on; taken out of the queue it was in, if any. */
void deadline_start(struct deadline_queue *q, struct deadline *d,
    int64_t now_us);

/* Harmless when it does not run. */
void deadline_stop(struct deadline *d);

/* Take out the first that is due, or NULL. */
struct deadline *deadline_expired(struct deadline_queue *q, int64_t now_us);

/* When the first is due; INT64_MAX when none runs. */
int64_t deadline_next(const struct deadline_queue *q);
