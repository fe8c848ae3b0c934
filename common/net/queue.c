#include "common/net/queue.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/net/slot.h"

#define CONTROL_MAX    (1024 * 1024)
#define CONTROL_BATCH  (48 * 1024)       /* no more OPENs are sealed beyond */
#define MESSAGES_MAX   (8 * 1024 * 1024) /* bytes of messages waiting */
#define FRAME_EXTRA    32                /* of DATA, END, parts: at most */
#define SMALL_LEFTOVER 1024              /* less is left to the next packet */

struct message {
	struct list link;
	enum frame_type type;
	size_t len, at;
	char bytes[];
};

static const enum frame_type message_frames[] = {
	[LINK_CATALOG] = FRAME_CATALOG,
	[LINK_RECEIPT] = FRAME_RECEIPT,
	[LINK_ACK] = FRAME_ACK,
	[LINK_CAPACITY] = FRAME_CAPACITY,
	[LINK_REVOKE] = FRAME_REVOKE,
	[LINK_REPORT] = FRAME_REPORT,
	[LINK_CHECKPOINT] = FRAME_CHECKPOINT,
	[LINK_LEDGER_ASK] = FRAME_LEDGER_ASK,
	[LINK_LEDGER_PAGE] = FRAME_LEDGER_PAGE,
};

void
queue_control(struct session *s, const struct frame *f)
{
	size_t start = s->control.len, len;
	static const uint8_t blank[2];

	if (s->state != SESSION_UP)
		return;
	if (s->control.max == 0)
		buf_init(&s->control, CONTROL_MAX);
	buf_put(&s->control, blank, sizeof(blank));
	frame_write(&s->control, f);
	if (s->control.failed) {
		session_stop(s, "too many control frames wait");
		return;
	}
	len = s->control.len - start - 2;
	assert(len <= UINT16_MAX);
	s->control.data[start] = (uint8_t)(len >> 8);
	s->control.data[start + 1] = (uint8_t)len;
	s->config.events.on_dirty(s->config.arg);
}

void
queue_plain(struct session *s, enum frame_type type, int64_t stream)
{
	struct frame f = { .type = type };

	switch (type) {
	case FRAME_ACCEPTED:
		f.as.accepted.stream = stream;
		break;
	case FRAME_END:
		f.as.end.stream = stream;
		break;
	default:
		assert(type == FRAME_CANCEL);
		f.as.cancel.stream = stream;
	}
	queue_control(s, &f);
}

void
queue_credit(struct session *s, int64_t stream, int64_t bytes)
{
	struct frame f = { .type = FRAME_CREDIT };

	f.as.credit.stream = stream;
	f.as.credit.bytes = bytes;
	queue_control(s, &f);
}

void
queue_alone(struct session *s, const struct frame *f)
{
	struct packet p;

	packet_start(&p, &s->out);
	frame_write(&s->out, f);
	p.frames = 1;
	packet_finish(&p, &s->out_way);
	s->config.events.on_dirty(s->config.arg);
}

void
queue_message(struct session *s, enum link_message type, struct slice bytes)
{
	struct message *m;

	assert(bytes.len >= 1 && bytes.len <= LINK_MESSAGE_MAX);
	assert((type != LINK_RECEIPT && type != LINK_LEDGER_ASK) ||
	       bytes.len <= FRAME_DATA_MAX);
	if (s->message_bytes + bytes.len > MESSAGES_MAX) {
		session_stop(s, "too many messages wait");
		return;
	}
	m = xmalloc(sizeof(*m) + bytes.len);
	m->type = message_frames[type];
	m->len = bytes.len;
	m->at = 0;
	memcpy(m->bytes, bytes.ptr, bytes.len);
	list_push(&s->messages, &m->link);
	s->message_bytes += bytes.len;
	s->config.events.on_dirty(s->config.arg);
}

static void
message_free(struct session *s, struct message *m)
{
	list_remove(&m->link);
	s->message_bytes -= m->len;
	free(m);
}

void
queue_fini(struct session *s)
{
	while (!list_empty(&s->messages))
		message_free(s,
		    container_of(s->messages.next, struct message, link));
	buf_fini(&s->control);
	s->control_at = 0;
}

bool
queue_waits(const struct session *s)
{
	return s->control.len > s->control_at || !list_empty(&s->opening) ||
	       !list_empty(&s->messages) || !list_empty(&s->ready);
}

/* The OPEN of a stream that has its seal now. */
static void
write_open(struct session *s, struct stream *st, const struct seal *seal)
{
	struct frame f = { .type = FRAME_OPEN };
	struct frame_open *open = &f.as.open;

	st->id = ++s->last_id;
	map_put(&s->by_id, slice_make(&st->id, sizeof(st->id)), st);
	st->window = s->slots <= SESSION_WIDE ? STREAM_CREDIT : STREAM_SMALL;
	st->send_credit = st->recv_credit = st->window;
	open->stream = st->id;
	open->envelope = buf_slice(&st->envelope);
	open->root = slice_make(seal->root.bytes, HASH_BYTES);
	open->signature = slice_make(seal->signature.bytes, SIGNATURE_BYTES);
	open->index = seal->index;
	open->count = seal->count;
	open->proof = slice_make(seal->path, seal->path_len * HASH_BYTES);
	open->path = buf_slice(&st->path);
	open->remaining_ms = st->remaining_ms;
	open->max_wait_ms = st->max_wait_ms;
	open->credit = st->window;
	queue_control(s, &f);
	buf_reset(&st->envelope);
	buf_reset(&st->path);
	if (stream_waiting(st) > 0 || st->ending)
		stream_ready(st);
}

/* Up to SEAL_MAX OPENs under one signature, in order. */
static void
seal_batch(struct session *s)
{
	struct stream *batch[SEAL_MAX];
	struct hash leaves[SEAL_MAX];
	struct seal seals[SEAL_MAX];
	struct list *first;
	size_t i, n = 0;

	while (n < SEAL_MAX && (first = list_pop(&s->opening)) != NULL) {
		batch[n] = container_of(first, struct stream, queue);
		leaves[n] = batch[n]->leaf;
		n++;
	}
	seal_make(seals, s->config.identity, OPEN_CONTEXT, leaves, n);
	for (i = 0; i < n; i++)
		write_open(s, batch[i], &seals[i]);
}

/* False when the packet is full. */
static bool
put_control(struct session *s, struct packet *p)
{
	while (s->control_at < s->control.len) {
		const uint8_t *at = s->control.data + s->control_at;
		size_t len = (size_t)(at[0] << 8 | at[1]);

		if (len > packet_room(p))
			return false;
		buf_put(p->out, at + 2, len);
		p->frames++;
		s->control_at += 2 + len;
	}
	buf_reset(&s->control);
	s->control_at = 0;
	s->pongs = 0;
	return true;
}

static void
put_part(struct packet *p, struct message *m, size_t n)
{
	/* The messages' frames have one layout. */
	struct frame f = { .type = m->type };

	f.as.catalog.left = (int64_t)(m->len - m->at - n);
	f.as.catalog.bytes = slice_make(m->bytes + m->at, n);
	frame_write(p->out, &f);
	p->frames++;
	m->at += n;
}

/* At most 16 KiB of messages; false when the packet is full. */
static bool
put_messages(struct session *s, struct packet *p)
{
	size_t sent = 0;

	while (!list_empty(&s->messages) && sent < FRAME_DATA_MAX) {
		struct message *m =
		    container_of(s->messages.next, struct message, link);
		size_t n = min_size(m->len - m->at, FRAME_DATA_MAX - sent);
		size_t room = packet_room(p);

		/* A message that fits one part is not cut. */
		if (m->at == 0 && m->len <= FRAME_DATA_MAX)
			n = m->len;
		if (room < n + FRAME_EXTRA)
			return false;
		put_part(p, m, n);
		sent += n;
		if (m->at == m->len)
			message_free(s, m);
	}
	return true;
}

static void
put_data(struct packet *p, struct stream *st, size_t n)
{
	struct frame f = { .type = FRAME_DATA };

	f.as.data.stream = st->id;
	f.as.data.bytes = slice_make(st->out.data + st->out_at, n);
	frame_write(p->out, &f);
	p->frames++;
	st->out_at += n;
	st->send_credit -= (int64_t)n;
	st->session->send_credit -= (int64_t)n;
	if (st->out_at == st->out.len) {
		buf_reset(&st->out);
		st->out_at = 0;
	} else if (st->out_at > STREAM_QUEUE_MAX / 2) {
		buf_drop(&st->out, st->out_at);
		st->out_at = 0;
	}
	if (st->short_room && stream_waiting(st) <= STREAM_QUEUE_MAX / 2)
		stream_tell_later(st);
}

/* The receipt and END, together. */
static bool
put_end(struct packet *p, struct stream *st)
{
	struct frame f = { .type = FRAME_RECEIPT };

	if (packet_room(p) < st->last.len + 2 * FRAME_EXTRA)
		return false;
	if (st->last.len > 0) {
		f.as.receipt.left = 0;
		f.as.receipt.bytes = buf_slice(&st->last);
		frame_write(p->out, &f);
		p->frames++;
		buf_reset(&st->last);
	}
	f.type = FRAME_END;
	f.as.end.stream = st->id;
	frame_write(p->out, &f);
	p->frames++;
	st->said_last = true;
	stream_settle(st);
	return true;
}

/* One stream's turn; it has left the ready list.  False: no room. */
static bool
put_turn(struct session *s, struct packet *p, struct stream *st)
{
	size_t waiting = stream_waiting(st), room = packet_room(p);
	size_t n = min_size(waiting, FRAME_DATA_MAX);
	int64_t credit = min_i64(st->send_credit, s->send_credit);

	n = (size_t)min_i64((int64_t)n, max_i64(credit, 0));
	if (room < min_size(n, SMALL_LEFTOVER) + FRAME_EXTRA) {
		list_push(&s->ready, &st->queue);
		return false;
	}
	n = min_size(n, room - FRAME_EXTRA);
	if (n > 0)
		put_data(p, st, n);
	if (stream_waiting(st) == 0 && st->ending && !put_end(p, st)) {
		list_push(&s->ready, &st->queue);
		return false;
	}
	if (!st->said_last && stream_waiting(st) > 0)
		stream_ready(st);
	return true;
}

static void
put_streams(struct session *s, struct packet *p)
{
	struct list *first;
	bool room = true;

	while (room && (first = list_pop(&s->ready)) != NULL)
		room =
		    put_turn(s, p, container_of(first, struct stream, queue));
}

bool
session_fill(struct session *s, int64_t now_us)
{
	struct packet p;
	bool room = true;

	s->now_us = now_us;
	if (s->out.len > 0)
		return true;
	if (s->state != SESSION_UP || !queue_waits(s))
		return false;
	while (!list_empty(&s->opening) && s->control.len < CONTROL_BATCH)
		seal_batch(s);
	packet_start(&p, &s->out);
	room = put_control(s, &p) && put_messages(s, &p);
	if (room)
		put_streams(s, &p);
	packet_finish(&p, &s->out_way);
	return s->out.len > 0;
}
