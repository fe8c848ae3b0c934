#include "common/net/arrival.h"

#include "common/base/log.h"
#include "common/base/stat.h"
#include "common/net/queue.h"
#include "common/net/slot.h"

#define CANCEL_RATE (2 * SESSION_STREAMS) /* a second, and at once */

static struct stream *
find(const struct session *s, int64_t id)
{
	return map_find(&s->by_id, slice_make(&id, sizeof(id)));
}

/* The stream, or NULL after ending the session. */
static struct stream *
expect(struct session *s, int64_t id)
{
	struct stream *st = find(s, id);

	if (st != NULL && !st->heard_last)
		return st;
	session_violate(s, "frame for a stream that is not open");
	return NULL;
}

/* Is the application listening? */
static bool
heard(const struct stream *st)
{
	return !st->deaf && st->events != NULL;
}

/* Why an OPEN with that path is not taken, or NULL. */
static const char *
path_fault(const struct session *s, const struct slice *path, size_t len)
{
	size_t i;

	if (len > LINK_HOPS_MAX)
		return "path is too long";
	if (!slice_is(path[len - 1], s->config.peer.name))
		return "path does not end in its sender";
	for (i = 0; i < len; i++)
		if (slice_is(path[i], s->config.name))
			return "path meets itself";
	return NULL;
}

/* The stream exists so that its other frames are known for what they are. */
static void
refuse(struct stream *st, const char *fault)
{
	stat_add(STAT_ENVELOPES_REFUSED, 1);
	log_warn("request over a link refused", log_str("fault", fault),
	    log_str("peer", st->session->config.peer.name));
	stream_refuse(st, slice_of("forged"), 0);
}

static bool
read_seal(struct seal *seal, const struct frame_open *open)
{
	if (open->proof.len % HASH_BYTES != 0)
		return false;
	memcpy(seal->root.bytes, open->root.ptr, HASH_BYTES);
	memcpy(seal->signature.bytes, open->signature.ptr, SIGNATURE_BYTES);
	seal->index = (uint8_t)open->index;
	seal->count = (uint8_t)open->count;
	seal->path_len = (uint8_t)(open->proof.len / HASH_BYTES);
	memcpy(seal->path, open->proof.ptr, open->proof.len);
	return true;
}

/* May the peer open this one? */
static const char *
open_fault(const struct session *s, const struct frame_open *open)
{
	if (open->stream <= s->last_id)
		return "stream numbers do not grow";
	if (s->slots >= s->streams_max)
		return "too many streams";
	if (open->credit != STREAM_SMALL &&
	    (open->credit != STREAM_CREDIT || s->slots >= SESSION_WIDE))
		return "more credit than a stream may have";
	if (s->goaway_sent == 2)
		return "OPEN after GOAWAY";
	return NULL;
}

static struct stream *
accept_stream(struct session *s, const struct frame_open *open)
{
	struct stream *st = stream_new(s);

	st->id = s->last_id = open->stream;
	map_put(&s->by_id, slice_make(&st->id, sizeof(st->id)), st);
	st->window = st->send_credit = st->recv_credit = open->credit;
	return st;
}

void
arrival_open(struct session *s, const struct frame *f)
{
	const struct frame_open *open = &f->as.open;
	struct open_request request = { .envelope = open->envelope,
		.remaining_ms = open->remaining_ms,
		.max_wait_ms = open->max_wait_ms };
	struct slice path[FRAME_NAMES_MAX];
	const char *fault = open_fault(s, open);
	struct stream *st;

	if (fault == NULL && !read_seal(&request.seal, open))
		fault = "seal of an OPEN is broken";
	if (fault != NULL) {
		session_violate(s, fault);
		return;
	}
	st = accept_stream(s, open);
	request.path_len = frame_names(open->path, path);
	fault = path_fault(s, path, request.path_len);
	if (fault != NULL) {
		refuse(st, fault);
		return;
	}
	if (s->goaway_sent > 0) {
		stream_refuse(st, slice_of("shutting-down"), 1000);
		return;
	}
	memcpy(request.path, path, request.path_len * sizeof(*path));
	s->config.events.on_open(s->config.arg, st, &request);
}

void
arrival_accepted(struct session *s, const struct frame *f)
{
	struct stream *st = expect(s, f->as.accepted.stream);

	if (st != NULL && heard(st))
		st->events->on_accepted(st->arg);
}

/* The other side is done with it: say our last as well, if need be. */
static void
hang_up(struct stream *st)
{
	st->heard_last = true;
	stream_drop_output(st);
	if (!st->said_last)
		queue_plain(st->session, FRAME_CANCEL, st->id);
	st->said_last = true;
}

void
arrival_throttled(struct session *s, const struct frame *f)
{
	struct stream *st = expect(s, f->as.throttled.stream);
	struct throttled why = { f->as.throttled.reason,
		f->as.throttled.retry_after_ms };

	if (st == NULL)
		return;
	hang_up(st);
	if (heard(st)) {
		st->deaf = true;
		st->events->on_throttled(st->arg, &why);
	}
	stream_settle(st);
}

void
arrival_head(struct session *s, const struct frame *f)
{
	const struct frame_head *head = &f->as.head;
	struct stream *st = expect(s, head->stream);

	if (st != NULL && heard(st))
		st->events->on_head(st->arg, (int)head->status,
		    head->content_type, head->retry_after_ms);
}

/* The link's credit is about what was not read yet; this was. */
static void
give_back(struct session *s, size_t bytes)
{
	s->owed += (int64_t)bytes;
	if (s->owed < SESSION_CREDIT / 4)
		return;
	queue_credit(s, 0, s->owed);
	s->recv_credit += s->owed;
	s->owed = 0;
}

void
arrival_data(struct session *s, const struct frame *f)
{
	struct slice bytes = f->as.data.bytes;
	int64_t len = (int64_t)bytes.len;
	struct stream *st = expect(s, f->as.data.stream);

	if (st == NULL)
		return;
	if (len > st->recv_credit || len > s->recv_credit) {
		session_violate(s, "more bytes than credit");
		return;
	}
	st->recv_credit -= len;
	s->recv_credit -= len;
	give_back(s, bytes.len);
	if (st->deaf)
		return;
	if (st->events == NULL || st->early.len > 0) {
		buf_put_slice(&st->early, bytes);
		return;
	}
	st->untaken += bytes.len;
	st->events->on_data(st->arg, bytes);
}

void
arrival_end(struct session *s, const struct frame *f)
{
	struct stream *st = expect(s, f->as.end.stream);

	if (st == NULL)
		return;
	st->heard_last = true;
	/* An answer that is whole needs no more of the question. */
	if (s->config.dialler)
		hang_up(st);
	if (heard(st) && st->early.len == 0)
		stream_tell_end(st, STREAM_DONE);
	stream_settle(st);
}

/* A bucket of CANCEL_RATE that fills in a second. */
static bool
too_many_cancels(struct session *s)
{
	int64_t most = (int64_t)CANCEL_RATE * 1000000;
	int64_t passed = min_i64(s->now_us - s->cancels_us, 1000000);

	s->cancels = min_i64(most, s->cancels + passed * CANCEL_RATE);
	s->cancels_us = s->now_us;
	if (s->cancels < 1000000)
		return true;
	s->cancels -= 1000000;
	return false;
}

void
arrival_cancel(struct session *s, const struct frame *f)
{
	struct stream *st = find(s, f->as.cancel.stream);

	if (f->as.cancel.stream > s->last_id) {
		session_violate(s, "CANCEL of a stream that is not open");
		return;
	}
	if (!s->config.dialler && too_many_cancels(s))
		session_drain(s, "too many streams cancelled");
	/* It may have crossed our last frame. */
	if (st == NULL)
		return;
	st->cancelled = true;
	hang_up(st);
	if (heard(st) && st->early.len == 0)
		stream_tell_end(st, STREAM_CANCELLED);
	stream_settle(st);
}

static void
credit_link(struct session *s, int64_t bytes)
{
	struct list *first;

	if (s->send_credit + bytes > INT32_MAX) {
		session_violate(s, "credit overflows");
		return;
	}
	s->send_credit += bytes;
	while (s->send_credit > 0 && (first = list_pop(&s->parked)) != NULL)
		stream_ready(container_of(first, struct stream, queue));
}

void
arrival_credit(struct session *s, const struct frame *f)
{
	struct stream *st = find(s, f->as.credit.stream);
	int64_t bytes = f->as.credit.bytes;

	if (f->as.credit.stream == 0) {
		credit_link(s, bytes);
		return;
	}
	if (f->as.credit.stream > s->last_id) {
		session_violate(s, "credit for a stream that is not open");
		return;
	}
	if (st == NULL)
		return;
	if (st->send_credit + bytes > st->window) {
		session_violate(s, "credit overflows");
		return;
	}
	st->send_credit += bytes;
	stream_ready(st);
}
