#include "common/net/deadline.h"

void
deadline_queue_init(struct deadline_queue *q, int64_t wait_us)
{
	list_init(&q->running);
	q->wait_us = wait_us;
}

void
deadline_init(struct deadline *d)
{
	list_init(&d->link);
	d->at_us = 0;
}

void
deadline_start(struct deadline_queue *q, struct deadline *d, int64_t now_us)
{
	list_remove(&d->link);
	d->at_us = now_us + q->wait_us;
	list_push(&q->running, &d->link);
}

void
deadline_stop(struct deadline *d)
{
	list_remove(&d->link);
}

static struct deadline *
first_of(const struct deadline_queue *q)
{
	if (list_empty(&q->running))
		return NULL;
	return container_of(q->running.next, struct deadline, link);
}

struct deadline *
deadline_expired(struct deadline_queue *q, int64_t now_us)
{
	struct deadline *d = first_of(q);

	if (d == NULL || d->at_us > now_us)
		return NULL;
	list_remove(&d->link);
	return d;
}

int64_t
deadline_next(const struct deadline_queue *q)
{
	const struct deadline *d = first_of(q);

	return d != NULL ? d->at_us : INT64_MAX;
}
