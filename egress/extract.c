#include "egress/extract.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/export/extract.h"
#include "common/member/errand.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "common/store/ledger.h"
#include "egress/downlink.h"
#include "egress/egress.h"

#define TOLD_EVERY_US (60 * (int64_t)US_PER_SECOND)

struct extracts {
	pthread_mutex_t lock;
	struct list read; /* struct reading.link: to be sent */
	uint64_t tickets;
};

/* A page being read for a node. */
struct reading {
	struct errand errand;
	struct list link;
	struct egress *egress;
	unsigned worker;
	uint64_t ticket;
	char origin[LINK_NAME_MAX + 1];
	struct extract_ask ask;
	uint8_t after[EXTRACT_KEY_MAX];
	struct buf page;
};

struct extracts *
extracts_new(void)
{
	struct extracts *x = xcalloc(1, sizeof(*x));

	pthread_mutex_init(&x->lock, NULL);
	list_init(&x->read);
	return x;
}

static void
reading_free(struct reading *r)
{
	buf_fini(&r->page);
	free(r);
}

void
extracts_free(struct extracts *x)
{
	struct list *first;

	if (x == NULL)
		return;
	while ((first = list_pop(&x->read)) != NULL)
		reading_free(container_of(first, struct reading, link));
	pthread_mutex_destroy(&x->lock);
	free(x);
}

/* On the errands' thread. */
static void
on_run(struct errand *e, const atomic_bool *stop)
{
	struct reading *r = container_of(e, struct reading, errand);

	extract_fill(&r->page, ledger_db(r->egress->process->ledger), &r->ask,
	    slice_of(r->origin), stop);
}

static void
on_read(void *arg)
{
	extracts_tell(arg);
}

/*
 * On the clerk's thread, or at the end.  A full mailbox costs time alone: the
 * dock looks by itself, too.
 */
static void
on_done(struct errand *e)
{
	struct reading *r = container_of(e, struct reading, errand);
	struct egress *g = r->egress;
	unsigned worker = r->worker;
	struct dock *d;

	pthread_mutex_lock(&g->extracts->lock);
	list_push(&g->extracts->read, &r->link);
	pthread_mutex_unlock(&g->extracts->lock);
	pthread_mutex_lock(&g->lock);
	d = g->docks[worker];
	if (d != NULL && !loop_post(d->worker->loop, on_read, d))
		log_debug("a page waits for the next sweep");
	pthread_mutex_unlock(&g->lock);
}

void
extracts_tell(struct dock *d)
{
	struct extracts *x = d->egress->extracts;
	struct list mine, *first;

	list_init(&mine);
	pthread_mutex_lock(&x->lock);
	list_each(item, &x->read) {
		struct reading *r = container_of(item, struct reading, link);

		if (r->worker != d->worker->index)
			continue;
		list_remove(&r->link);
		list_push(&mine, &r->link);
	}
	pthread_mutex_unlock(&x->lock);
	while ((first = list_pop(&mine)) != NULL) {
		struct reading *r = container_of(first, struct reading, link);

		if (r->page.len > 0 && !r->page.failed)
			downlinks_tell_page(d, r->ticket, buf_slice(&r->page));
		reading_free(r);
	}
}

static void
refuse(struct link *l, int64_t number, enum extract_end end)
{
	struct buf page;

	buf_init(&page, EXTRACT_PAGE_MAX);
	extract_refuse(&page, number, end);
	link_send(l, LINK_LEDGER_PAGE, buf_slice(&page));
	buf_fini(&page);
}

static struct reading *
reading_new(struct dock *d, const struct link *l, const struct extract_ask *ask)
{
	struct extracts *x = d->egress->extracts;
	struct reading *r = xcalloc(1, sizeof(*r));

	r->errand.run = on_run;
	r->errand.done = on_done;
	list_init(&r->link);
	r->egress = d->egress;
	r->worker = d->worker->index;
	memcpy(r->origin, link_peer(l)->name, sizeof(r->origin));
	r->ask = *ask;
	if (ask->after.len > 0)
		memcpy(r->after, ask->after.ptr, ask->after.len);
	r->ask.after = slice_make(r->after, ask->after.len);
	buf_init(&r->page, EXTRACT_PAGE_MAX);
	pthread_mutex_lock(&x->lock);
	r->ticket = ++x->tickets;
	pthread_mutex_unlock(&x->lock);
	return r;
}

static void
note(struct extract_pass *pass, const struct link *l)
{
	int64_t now = clock_mono_us();

	if (pass->told_us > 0 && now - pass->told_us < TOLD_EVERY_US)
		return;
	pass->told_us = now;
	log_info("a node asks for what is in this ledger of its calls",
	    log_str("peer", link_peer(l)->name));
}

void
extracts_hear(struct dock *d, struct link *l, struct extract_pass *pass,
    struct slice message)
{
	struct extract_ask ask;
	struct reading *r;

	if (!extract_ask_read(&ask, message)) {
		log_warn("LEDGER_ASK is not readable",
		    log_str("peer", link_peer(l)->name));
		refuse(l, 0, EXTRACT_UNKNOWN);
		return;
	}
	/* Links of other lanes are no way to have more at once. */
	if (pass->ticket != 0 || link_peer_lane(l) != 0) {
		refuse(l, ask.number, EXTRACT_BUSY);
		return;
	}
	note(pass, l);
	r = reading_new(d, l, &ask);
	if (errands_send(d->egress->process->errands, &r->errand)) {
		pass->ticket = r->ticket;
		return;
	}
	reading_free(r);
	refuse(l, ask.number, EXTRACT_BUSY);
}
