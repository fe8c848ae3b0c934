#include "common/member/errand.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/net/loop.h"

#define NICE 19

struct errands {
	struct loop *loop;
	pthread_t thread;
	pthread_mutex_t lock; /* for the next four */
	pthread_cond_t news;
	struct list waiting, finished;
	size_t waiting_count;
	atomic_bool stop;
};

static void
call_done(struct errands *es)
{
	struct list finished, *link;

	list_init(&finished);
	pthread_mutex_lock(&es->lock);
	list_append(&finished, &es->finished);
	pthread_mutex_unlock(&es->lock);
	while ((link = list_pop(&finished)) != NULL) {
		struct errand *e = container_of(link, struct errand, link);

		e->done(e);
	}
}

static void
on_finished(void *arg)
{
	call_done(arg);
}

/* NULL: it is the end. */
static struct errand *
next(struct errands *es)
{
	struct list *link = NULL;

	pthread_mutex_lock(&es->lock);
	while (!atomic_load(&es->stop) && list_empty(&es->waiting))
		pthread_cond_wait(&es->news, &es->lock);
	if (!atomic_load(&es->stop)) {
		link = list_pop(&es->waiting);
		es->waiting_count--;
	}
	pthread_mutex_unlock(&es->lock);
	return link != NULL ? container_of(link, struct errand, link) : NULL;
}

/* The mailbox may be full for a moment: the next one's mail tells of both. */
static void
finish(struct errands *es, struct errand *e)
{
	pthread_mutex_lock(&es->lock);
	list_push(&es->finished, &e->link);
	pthread_mutex_unlock(&es->lock);
	while (!loop_post(es->loop, on_finished, es) && !atomic_load(&es->stop))
		usleep(1000);
}

static void *
run(void *arg)
{
	struct errands *es = arg;
	struct errand *e;

	/* Linux: the priority is the thread's. */
	if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) != 0)
		log_warn("the errand thread keeps its priority");
	while ((e = next(es)) != NULL) {
		e->run(e, &es->stop);
		finish(es, e);
	}
	return NULL;
}

struct errands *
errands_new(struct loop *loop)
{
	struct errands *es = xcalloc(1, sizeof(*es));

	es->loop = loop;
	list_init(&es->waiting);
	list_init(&es->finished);
	atomic_init(&es->stop, false);
	pthread_mutex_init(&es->lock, NULL);
	pthread_cond_init(&es->news, NULL);
	if (pthread_create(&es->thread, NULL, run, es) == 0)
		return es;
	pthread_cond_destroy(&es->news);
	pthread_mutex_destroy(&es->lock);
	free(es);
	return NULL;
}

void
errands_free(struct errands *es)
{
	if (es == NULL)
		return;
	pthread_mutex_lock(&es->lock);
	atomic_store(&es->stop, true);
	pthread_cond_signal(&es->news);
	pthread_mutex_unlock(&es->lock);
	pthread_join(es->thread, NULL);
	list_append(&es->finished, &es->waiting);
	call_done(es);
	pthread_cond_destroy(&es->news);
	pthread_mutex_destroy(&es->lock);
	free(es);
}

bool
errands_send(struct errands *es, struct errand *e)
{
	bool room;

	pthread_mutex_lock(&es->lock);
	room = es->waiting_count < ERRANDS_WAITING_MAX;
	if (room) {
		list_push(&es->waiting, &e->link);
		es->waiting_count++;
		pthread_cond_signal(&es->news);
	}
	pthread_mutex_unlock(&es->lock);
	return room;
}
