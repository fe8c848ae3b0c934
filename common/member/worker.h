#pragma once
/*
 * worker: one thread with its loop and what lives on it.  Everything here
 * belongs to that thread, but for worker_post.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "common/base/id.h"
#include "common/base/lang.h"

struct ledger_turn;
struct loop;
struct process;
struct topology;
struct upstream;

struct worker {
	unsigned index;
	struct process *process;
	struct loop *loop;
	struct upstream *upstream;
	struct ledger_turn *turn;
	struct topology *topology; /* held; swapped between turns */
	struct id_source ids;
	int listen_fd;    /* the app's to take */
	atomic_bool busy; /* told after each turn while draining */
	bool draining;
	void *app; /* the app's own */
	pthread_t thread;
	char name[16];
};

/* Make the loop and run the app's start; the thread begins. */
void worker_start(struct worker *w, struct process *p, unsigned index);

/* Ask from another thread: each posts a call to the worker's loop. */
void worker_adopt(struct worker *w);   /* take the process's topology */
void worker_durable(struct worker *w); /* an fsync is done */
void worker_drain(struct worker *w);
void worker_cut(struct worker *w);

/* Stop the loop, wait for the thread, free. */
void worker_join(struct worker *w);
