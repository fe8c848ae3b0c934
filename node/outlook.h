#pragma once
/*
 * outlook: what the egresses have said of how their targets stand, and which
 * word of each was the last: the workers' links bring the same ones, and each
 * counts once.  Shared by the threads; a lock is held while a word is followed.
 */
#include <pthread.h>

#include "common/member/capacity.h"
#include "common/member/target.h"

#define OUTLOOK_EGRESSES_MAX 16

struct outlook {
	pthread_mutex_t lock;
	size_t count;
	struct {
		uint64_t judge;
		struct capacity_epoch epoch;
	} heard[OUTLOOK_EGRESSES_MAX];
};

void outlook_init(struct outlook *o);
void outlook_fini(struct outlook *o);

/* The number of an egress in target_word. */
uint64_t outlook_judge(struct slice egress);

/* What a change of a target is told to. */
struct outlook_events {
	void (*changed)(void *arg, struct slice target,
	    const struct target_change *change);
	void *arg;
};

/*
 * Follow it; nothing when it is no newer than what was heard of that egress.
 * What it does not list is well, as far as that egress goes.
 */
void outlook_hear(struct outlook *o, struct target_states *states,
    const struct capacity *c, int64_t now_us,
    const struct outlook_events *events);

/*
 * It is no parent any more: nobody but it could take back what it has said,
 * so that ends here.
 */
void outlook_forget(struct outlook *o, struct target_states *states,
    struct slice egress, int64_t now_us, const struct outlook_events *events);
