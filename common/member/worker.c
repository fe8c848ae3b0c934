#include "common/member/worker.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/member/process.h"
#include "common/net/loop.h"
#include "common/net/upstream.h"
#include "common/store/ledger.h"

#define STACK_BYTES ((size_t)8 << 20)

static const struct process_app *
app_of(const struct worker *w)
{
	return w->process->app;
}

/* REST, each turn: the clerk polls this flag while the process drains. */
static void
tell_busy(void *arg)
{
	struct worker *w = arg;

	if (w->draining)
		atomic_store(&w->busy, !app_of(w)->idle(w));
}

static void *
run(void *arg)
{
	struct worker *w = arg;

	loop_run(w->loop);
	return NULL;
}

/* Said rather than left to the shell's limit: a node's policies may recurse. */
static bool
start_thread(struct worker *w)
{
	pthread_attr_t attr;
	bool started;

	pthread_attr_init(&attr);
	started = pthread_attr_setstacksize(&attr, STACK_BYTES) == 0 &&
		  pthread_create(&w->thread, &attr, run, w) == 0;
	pthread_attr_destroy(&attr);
	return started;
}

void
worker_start(struct worker *w, struct process *p, unsigned index)
{
	w->index = index;
	w->process = p;
	snprintf(w->name, sizeof(w->name), "worker %u", index);
	atomic_init(&w->busy, true);
	w->loop = loop_new(w->name);
	w->upstream = upstream_new(w->loop);
	w->topology = process_topology(p);
	app_of(w)->start(w);
	loop_each_turn(w->loop, LOOP_REST, tell_busy, w);
	if (!start_thread(w)) {
		log_error("cannot start a thread");
		abort();
	}
}

static void
post(struct worker *w, void (*call)(void *arg))
{
	if (!loop_post(w->loop, call, w))
		log_warn("a worker's mailbox is full",
		    log_int("worker", w->index));
}

static void
on_adopt(void *arg)
{
	struct worker *w = arg;
	struct topology *old = w->topology;

	w->topology = process_topology(w->process);
	app_of(w)->adopt(w, old);
	topology_release(old);
}

void
worker_adopt(struct worker *w)
{
	post(w, on_adopt);
}

static void
on_durable(void *arg)
{
	struct worker *w = arg;

	app_of(w)->durable(w);
}

void
worker_durable(struct worker *w)
{
	post(w, on_durable);
}

static void
on_drain(void *arg)
{
	struct worker *w = arg;

	w->draining = true;
	app_of(w)->drain(w);
}

void
worker_drain(struct worker *w)
{
	post(w, on_drain);
}

static void
on_cut(void *arg)
{
	struct worker *w = arg;

	app_of(w)->cut(w);
}

void
worker_cut(struct worker *w)
{
	post(w, on_cut);
}

static void
on_leave(void *arg)
{
	struct worker *w = arg;

	app_of(w)->leave(w);
}

void
worker_join(struct worker *w)
{
	/* Posts that were accepted are called before the loop ends. */
	if (app_of(w)->leave != NULL)
		post(w, on_leave);
	loop_stop(w->loop);
	pthread_join(w->thread, NULL);
	app_of(w)->stop(w);
	upstream_free(w->upstream);
	loop_free(w->loop);
	topology_release(w->topology);
}
