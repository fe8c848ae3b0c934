#include "common/net/host.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/net/conn.h"

static void
flush(void *arg)
{
	struct host *h = arg;

	list_each(item, &h->dirty)
		conn_flush(container_of(item, struct conn, dirty));
}

/*
 * The last look of a turn.  What comes up during and after it finds `awake`
 * queued again, so the next turn begins at once.
 */
static void
rest(void *arg)
{
	struct host *h = arg;
	struct list batch, *first;

	if (list_empty(&h->dirty))
		return;
	loop_task_cancel(&h->awake);
	list_init(&batch);
	list_append(&batch, &h->dirty);
	while ((first = list_pop(&batch)) != NULL)
		conn_rest(container_of(first, struct conn, dirty));
}

/* Being queued is all that it is for. */
static void
wake(void *arg)
{
	(void)arg;
}

struct host *
host_new(struct loop *loop)
{
	struct host *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	list_init(&h->all);
	list_init(&h->dirty);
	loop_task_init(&h->awake, wake, h);
	loop_each_turn(loop, LOOP_FLUSH, flush, h);
	loop_each_turn(loop, LOOP_REST, rest, h);
	return h;
}

void
host_free(struct host *h)
{
	assert(list_empty(&h->dirty));
	free(h);
}

void
host_visit(struct host *h, struct list *conn)
{
	if (!list_empty(conn))
		return;
	list_push(&h->dirty, conn);
	loop_soon(h->loop, &h->awake);
}

void
host_leave(struct host *h, struct list *conn)
{
	list_remove(conn);
	if (list_empty(&h->dirty))
		loop_task_cancel(&h->awake);
}
