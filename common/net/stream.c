#include "common/net/stream.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/net/queue.h"
#include "common/net/session.h"
#include "common/net/slot.h"

#define KEEP_BYTES 8192 /* storage of a buf that a pooled stream keeps */
#define FEW        32   /* streams that can be looked at each turn */
#define SUM_US     (100LL * US_PER_MS)

struct stream *
stream_new(struct session *s)
{
	struct list *pooled = list_pop(&s->pool);
	struct stream *st;

	if (pooled != NULL) {
		st = container_of(pooled, struct stream, all);
		s->pooled--;
	} else {
		st = xcalloc(1, sizeof(*st));
		buf_init(&st->out, STREAM_QUEUE_MAX);
		buf_init(&st->last, FRAME_DATA_MAX);
		buf_init(&st->early, STREAM_CREDIT);
		buf_init(&st->envelope, FRAME_ENVELOPE_MAX);
		buf_init(&st->path, 1024);
	}
	st->session = s;
	list_init(&st->queue);
	list_init(&st->tell);
	list_init(&st->all);
	list_push(&s->streams, &st->all);
	st->has_slot = true;
	s->slots++;
	s->figures.streams_total++;
	return st;
}

void
stream_free(struct stream *st)
{
	list_remove(&st->all);
	buf_fini(&st->out);
	buf_fini(&st->last);
	buf_fini(&st->early);
	buf_fini(&st->envelope);
	buf_fini(&st->path);
	free(st);
}

static void
recycle_buf(struct buf *to, struct buf *from)
{
	if (from->cap > KEEP_BYTES)
		buf_fini(from);
	buf_reset(from);
	*to = *from;
}

/* As new, but for the storage of its bufs. */
static void
recycle(struct stream *st)
{
	struct stream fresh = { 0 };

	recycle_buf(&fresh.out, &st->out);
	recycle_buf(&fresh.last, &st->last);
	recycle_buf(&fresh.early, &st->early);
	recycle_buf(&fresh.envelope, &st->envelope);
	recycle_buf(&fresh.path, &st->path);
	*st = fresh;
	list_init(&st->all);
}

/* Of many streams not in each turn. */
static int64_t
queued_bytes(struct session *s)
{
	size_t bytes =
	    s->out.len + s->message_bytes + s->control.len - s->control_at;

	list_each(item, &s->streams) {
		bytes += stream_waiting(container_of(item, struct stream, all));
	}
	return (int64_t)bytes;
}

static void
note(struct session *s)
{
	struct beacon_figures *f = &s->figures;

	f->streams = (int64_t)s->slots;
	f->rtt_us = s->rtt_us;
	f->draining = s->goaway_sent > 0 || s->goaway_got > 0;
	if (s->slots <= FEW || s->now_us - f->summed_us >= SUM_US) {
		f->queued_bytes = queued_bytes(s);
		f->summed_us = s->now_us;
	}
	beacon_note(s->config.beacon, f);
}

void
session_rest(struct session *s)
{
	list_each(item, &s->dead) {
		struct stream *st = container_of(item, struct stream, all);

		/* It has still something to tell. */
		if (!list_empty(&st->tell))
			continue;
		list_remove(&st->all);
		if (s->pooled >= SESSION_WIDE) {
			stream_free(st);
			continue;
		}
		recycle(st);
		list_push(&s->pool, &st->all);
		s->pooled++;
	}
	note(s);
}

void
stream_settle(struct stream *st)
{
	struct session *s = st->session;

	if (!st->has_slot || !st->said_last || !st->heard_last)
		return;
	st->has_slot = false;
	s->slots--;
	if (st->id != 0)
		map_remove(&s->by_id, slice_make(&st->id, sizeof(st->id)));
	list_remove(&st->queue);
	list_remove(&st->all);
	list_push(&s->dead, &st->all);
	s->config.events.on_dirty(s->config.arg);
}

void
stream_ready(struct stream *st)
{
	struct session *s = st->session;
	bool data = stream_waiting(st) > 0;

	if (st->id == 0 || st->said_last || !list_empty(&st->queue))
		return;
	if (data && st->send_credit <= 0)
		return;
	if (data && s->send_credit <= 0) {
		list_push(&s->parked, &st->queue);
		return;
	}
	if (data || st->ending) {
		list_push(&s->ready, &st->queue);
		s->config.events.on_dirty(s->config.arg);
	}
}

void
stream_tell_later(struct stream *st)
{
	struct session *s = st->session;

	if (!list_empty(&st->tell))
		return;
	list_push(&s->telling, &st->tell);
	s->config.events.on_chore(s->config.arg);
}

void
stream_drop_output(struct stream *st)
{
	list_remove(&st->queue);
	buf_reset(&st->out);
	st->out_at = 0;
	if (st->last.len == 0)
		return;
	/* A receipt is owed to the origin whatever became of the answer. */
	if (st->session->state == SESSION_UP)
		queue_message(st->session, LINK_RECEIPT, buf_slice(&st->last));
	buf_reset(&st->last);
}

void
stream_tell_end(struct stream *st, enum stream_end end)
{
	if (st->deaf)
		return;
	/* A server whose question is whole goes on to answer it. */
	if (end != STREAM_DONE || st->session->config.dialler)
		st->deaf = true;
	st->told_end = true;
	st->events->on_end(st->arg, end);
}

/* What came before it was served, then how it ended. */
static void
tell_early(struct stream *st)
{
	struct slice early = buf_slice(&st->early);

	if (early.len > 0) {
		st->untaken += early.len;
		st->events->on_data(st->arg, early);
		buf_fini(&st->early);
	}
	if (!st->deaf && st->heard_last && !st->told_end)
		stream_tell_end(st,
		    st->cancelled ? STREAM_CANCELLED : STREAM_DONE);
}

void
session_tell(struct session *s)
{
	struct list *first;

	while (
	    s->state == SESSION_UP && (first = list_pop(&s->telling)) != NULL) {
		struct stream *st = container_of(first, struct stream, tell);

		if (!st->has_slot)
			s->config.events.on_dirty(s->config.arg);
		if (st->deaf || st->events == NULL)
			continue;
		tell_early(st);
		if (st->deaf || !st->short_room ||
		    stream_waiting(st) > STREAM_QUEUE_MAX / 2)
			continue;
		st->short_room = false;
		st->events->on_room(st->arg);
	}
}

void
session_lose(struct session *s)
{
	struct list *first;

	if (s->state != SESSION_OVER)
		session_stop(s, "closed");
	while ((first = list_pop(&s->streams)) != NULL) {
		struct stream *st = container_of(first, struct stream, all);

		list_push(&s->dead, &st->all);
		st->has_slot = false;
		list_remove(&st->queue);
		if (st->events != NULL)
			stream_tell_end(st, STREAM_LOST);
		st->deaf = true;
	}
	while ((first = list_pop(&s->telling)) != NULL) {
		struct stream *st = container_of(first, struct stream, tell);

		if (st->events != NULL)
			stream_tell_end(st, STREAM_LOST);
		st->deaf = true;
	}
}

/* The members so far, and us at the end if the caller left that to us. */
static void
write_path(struct buf *out, const struct session *s, const struct open_hop *hop)
{
	size_t i, n = hop->path_len;
	bool add = n == 0 || strcmp(hop->path[n - 1], s->config.name) != 0;

	assert(n + add <= LINK_HOPS_MAX);
	pack_array(out, n + add);
	for (i = 0; i < n; i++)
		pack_text(out, slice_of(hop->path[i]));
	if (add)
		pack_text(out, slice_of(s->config.name));
}

struct stream *
session_open(struct session *s, struct slice envelope,
    const struct open_hop *hop, const struct stream_events *events, void *arg)
{
	struct stream *st;

	if (s->state != SESSION_UP || s->goaway_sent > 0 || s->goaway_got > 0 ||
	    s->slots >= s->streams_max)
		return NULL;
	assert(envelope.len >= 1 && envelope.len <= FRAME_ENVELOPE_MAX);
	st = stream_new(s);
	st->events = events;
	st->arg = arg;
	st->leaf = seal_leaf(OPEN_CONTEXT, envelope);
	st->remaining_ms = max_i64(hop->remaining_ms, 0);
	st->max_wait_ms = max_i64(hop->max_wait_ms, 0);
	buf_put_slice(&st->envelope, envelope);
	write_path(&st->path, s, hop);
	assert(!st->path.failed);
	list_push(&s->opening, &st->queue);
	s->config.events.on_dirty(s->config.arg);
	return st;
}

struct link *
stream_link(const struct stream *st)
{
	return st->session->config.link;
}

void
stream_serve(struct stream *st, const struct stream_events *events, void *arg)
{
	assert(st->events == NULL && !st->deaf);
	st->events = events;
	st->arg = arg;
	if (st->early.len > 0 || st->heard_last)
		stream_tell_later(st);
}

/* May frames of ours still follow? */
static bool
may_say(const struct stream *st)
{
	assert(!st->deaf);
	return st->has_slot && !st->said_last && !st->ending &&
	       st->session->state == SESSION_UP;
}

void
stream_accept(struct stream *st)
{
	if (may_say(st))
		queue_plain(st->session, FRAME_ACCEPTED, st->id);
}

void
stream_refuse(struct stream *st, struct slice reason, int64_t retry_after_ms)
{
	struct frame f = { .type = FRAME_THROTTLED };

	if (may_say(st)) {
		reason.len = min_size(reason.len, THROTTLED_REASON_MAX - 1);
		f.as.throttled.stream = st->id;
		f.as.throttled.reason = reason;
		f.as.throttled.retry_after_ms = max_i64(retry_after_ms, -1);
		queue_control(st->session, &f);
		stream_drop_output(st);
		st->said_last = true;
	}
	st->deaf = true;
	stream_settle(st);
}

void
stream_head(struct stream *st, int status, struct slice content_type,
    int64_t retry_after_ms)
{
	struct frame f = { .type = FRAME_HEAD };

	if (!may_say(st))
		return;
	content_type.len = min_size(content_type.len, 256);
	f.as.head.stream = st->id;
	f.as.head.status = status;
	f.as.head.content_type = content_type;
	f.as.head.retry_after_ms = max_i64(retry_after_ms, -1);
	queue_control(st->session, &f);
}

size_t
stream_send(struct stream *st, struct slice bytes)
{
	size_t n = min_size(bytes.len, STREAM_QUEUE_MAX - stream_waiting(st));

	if (!may_say(st))
		return bytes.len; /* to nobody; its end is on its way */
	if (n < bytes.len)
		st->short_room = true;
	if (st->out.len + n > STREAM_QUEUE_MAX) {
		buf_drop(&st->out, st->out_at);
		st->out_at = 0;
	}
	buf_put(&st->out, bytes.ptr, n);
	stream_ready(st);
	return n;
}

void
stream_end(struct stream *st, struct slice receipt)
{
	struct session *s = st->session;

	assert(!st->deaf && !st->ending);
	assert(receipt.len <= FRAME_DATA_MAX);
	if (may_say(st)) {
		st->ending = true;
		buf_put_slice(&st->last, receipt);
		stream_ready(st);
	} else if (receipt.len > 0 && s->state == SESSION_UP) {
		queue_message(s, LINK_RECEIPT, receipt);
	}
	st->ending = true;
	st->deaf = !s->config.dialler;
}

void
stream_cancel(struct stream *st)
{
	struct session *s = st->session;

	assert(!st->deaf);
	st->deaf = true;
	if (!st->has_slot || s->state != SESSION_UP)
		return;
	stream_drop_output(st);
	if (st->id == 0)
		st->heard_last = true; /* the peer never heard of it */
	else if (!st->said_last || !st->heard_last)
		queue_plain(s, FRAME_CANCEL, st->id);
	st->said_last = true;
	stream_settle(st);
}

void
stream_taken(struct stream *st, size_t bytes)
{
	struct session *s = st->session;

	assert(!st->deaf && bytes <= st->untaken);
	st->untaken -= bytes;
	st->owed += bytes;
	if (st->heard_last || s->state != SESSION_UP ||
	    (int64_t)st->owed < st->window / 4)
		return;
	queue_credit(s, st->id, (int64_t)st->owed);
	st->recv_credit += (int64_t)st->owed;
	st->owed = 0;
}
