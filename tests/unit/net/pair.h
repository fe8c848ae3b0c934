#pragma once
/*
 * pair: two sessions, child and parent, wired to each other without sockets,
 * and an application on each that notes what it is told.  A test may look at,
 * change, hold back or make up each packet on its way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/net/packet.h"
#include "common/net/queue.h"
#include "common/net/session.h"
#include "common/net/slot.h"

#define FLOWS_MAX 1100

/* One side of a stream, as an application sees it. */
struct flow {
	struct stream *stream;
	struct party *party;
	struct buf got;
	int accepted, throttled, heads, rooms, dones, cancels, losts;
	bool hold; /* takes nothing */
	char reason[64];
};

struct party {
	struct pair *pair;
	struct session *s;
	struct secret *identity;
	struct link_peer self;
	struct flow flows[FLOWS_MAX];
	size_t flow_count;
	int ups, twins, messages;
	bool lazy;                   /* serves nothing in on_open */
	bool hold;                   /* its new flows take nothing */
	struct buf heard;            /* bytes of messages */
	enum link_message last_type; /* of message */
	size_t effects;              /* callbacks so far, but STREAM_LOST */
	size_t sent;                 /* packets that left */
	struct packet_way first_way; /* of its HELLO */
};

struct pair {
	struct party child, parent;
	int64_t now_us;
	/* May change what arrives in place of a packet; NULL: nobody does. */
	void (*between)(struct pair *p, struct party *from, size_t index,
	    struct slice packet, struct buf *arrives);
	int kind;          /* for `between` */
	struct party *aim; /* whose packets it looks at */
	size_t at;         /* and which one */
	struct buf kept;   /* by `between` */
	size_t chunk;      /* bytes fed at once; 0: all */
};

static inline void
pair_on_up(void *arg)
{
	struct party *y = arg;

	y->ups++;
	y->effects++;
}

static inline void
pair_on_accepted(void *arg)
{
	struct flow *f = arg;

	f->accepted++;
	f->party->effects++;
}

static inline void
pair_on_throttled(void *arg, const struct throttled *why)
{
	struct flow *f = arg;

	f->throttled++;
	f->party->effects++;
	snprintf(f->reason, sizeof(f->reason), "%.*s", SLICE_FMT(why->reason));
}

static inline void
pair_on_head(void *arg, int status, struct slice content_type,
    int64_t retry_after_ms)
{
	struct flow *f = arg;

	(void)status;
	(void)content_type;
	(void)retry_after_ms;
	f->heads++;
	f->party->effects++;
}

static inline void
pair_on_data(void *arg, struct slice bytes)
{
	struct flow *f = arg;

	buf_put_slice(&f->got, bytes);
	f->party->effects++;
	if (!f->hold)
		stream_taken(f->stream, bytes.len);
}

static inline void
pair_on_room(void *arg)
{
	struct flow *f = arg;

	f->rooms++;
	f->party->effects++;
}

static inline void
pair_on_end(void *arg, enum stream_end end)
{
	struct flow *f = arg;

	if (end == STREAM_LOST) {
		f->losts++;
		return;
	}
	f->party->effects++;
	if (end == STREAM_DONE)
		f->dones++;
	else
		f->cancels++;
}

static const struct stream_events pair_stream_events = { pair_on_accepted,
	pair_on_throttled, pair_on_head, pair_on_data, pair_on_room,
	pair_on_end };

static inline struct flow *
pair_flow(struct party *y, struct stream *st)
{
	struct flow *f = &y->flows[y->flow_count++];

	assert_true(y->flow_count <= FLOWS_MAX);
	f->party = y;
	f->stream = st;
	f->hold = y->hold;
	buf_init(&f->got, 16 * 1024 * 1024);
	return f;
}

static inline void
pair_on_open(void *arg, struct stream *st, const struct open_request *open)
{
	struct party *y = arg;
	struct public_key key = sign_public(y->pair->child.identity);

	y->effects++;
	assert_true(
	    seal_check(&open->seal, &key, OPEN_CONTEXT, open->envelope));
	if (y->lazy)
		pair_flow(y, st);
	else
		stream_serve(st, &pair_stream_events, pair_flow(y, st));
}

static inline void
pair_on_message(void *arg, enum link_message type, struct slice bytes)
{
	struct party *y = arg;

	y->effects++;
	y->messages++;
	y->last_type = type;
	buf_put_slice(&y->heard, bytes);
}

static inline void
pair_on_twin(void *arg)
{
	struct party *y = arg;

	y->effects++;
	y->twins++;
}

static inline void
pair_ignore(void *arg)
{
	(void)arg;
}

static inline struct session *
pair_session(struct pair *p, struct party *self, const struct party *other)
{
	struct session_config config = {
		.dialler = self == &p->child,
		.identity = self->identity,
		.name = self->self.name,
		.role = self->self.role,
		.lane = 3,
		.topology = hash_of(self->self.name, 4),
		.peer = other->self,
		.events = { pair_on_up, pair_on_open, pair_on_message,
		    pair_on_twin, pair_ignore, pair_ignore },
		.arg = self,
	};

	memset(config.exporter, 7, sizeof(config.exporter));
	memset(config.boot.bytes, self == &p->child ? 1 : 2, ID_BYTES);
	return session_new(&config, p->now_us);
}

static inline void
pair_party(struct pair *p, struct party *y, const char *name,
    enum link_role role)
{
	y->pair = p;
	y->identity = sign_key_new();
	y->self.role = role;
	y->self.key = sign_public(y->identity);
	snprintf(y->self.name, sizeof(y->self.name), "%s", name);
	buf_init(&y->heard, 16 * 1024 * 1024);
}

/* Sessions that have not greeted yet. */
static inline struct pair *
pair_new(void)
{
	struct pair *p = xcalloc(1, sizeof(*p));

	p->now_us = 1000 * US_PER_SECOND;
	buf_init(&p->kept, 1024 * 1024);
	pair_party(p, &p->child, "node-a", LINK_NODE);
	pair_party(p, &p->parent, "egress-1", LINK_EGRESS);
	p->child.s = pair_session(p, &p->child, &p->parent);
	p->parent.s = pair_session(p, &p->parent, &p->child);
	p->child.first_way = p->child.s->out_way;
	p->parent.first_way = p->parent.s->out_way;
	return p;
}

static inline void
pair_fini_party(struct party *y)
{
	size_t i;

	session_lose(y->s);
	session_free(y->s);
	for (i = 0; i < y->flow_count; i++)
		buf_fini(&y->flows[i].got);
	buf_fini(&y->heard);
	secret_free(y->identity);
}

static inline void
pair_free(struct pair *p)
{
	pair_fini_party(&p->child);
	pair_fini_party(&p->parent);
	buf_fini(&p->kept);
	free(p);
}

static inline struct party *
pair_other(const struct party *y)
{
	return y == &y->pair->child ? &y->pair->parent : &y->pair->child;
}

static inline void
pair_feed(struct pair *p, struct party *to, struct slice bytes)
{
	size_t n = p->chunk > 0 ? p->chunk : bytes.len;

	for (; bytes.len > 0; bytes = slice_after(bytes, n))
		session_feed(to->s,
		    slice_make(bytes.ptr, min_size(n, bytes.len)), p->now_us);
}

/* Bytes of the packet at the start of `bytes`. */
static inline size_t
pair_packet_len(struct slice bytes)
{
	const uint8_t *at = (const void *)bytes.ptr;

	assert_true(bytes.len > PACKET_HEAD);
	return 4 + ((size_t)at[0] << 24 | (size_t)at[1] << 16 |
		       (size_t)at[2] << 8 | at[3]);
}

/* Carry what waits in one direction; false when nothing did. */
static inline bool
pair_carry(struct pair *p, struct party *from)
{
	struct buf arrives;
	struct slice bytes;

	if (!session_fill(from->s, p->now_us))
		return false;
	buf_init(&arrives, 1024 * 1024);
	for (bytes = buf_slice(&from->s->out); bytes.len > 0;) {
		size_t len = pair_packet_len(bytes);
		struct slice packet = slice_make(bytes.ptr, len);

		if (p->between != NULL)
			p->between(p, from, from->sent, packet, &arrives);
		else
			buf_put_slice(&arrives, packet);
		from->sent++;
		bytes = slice_after(bytes, len);
	}
	buf_reset(&from->s->out);
	pair_feed(p, pair_other(from), buf_slice(&arrives));
	buf_fini(&arrives);
	return true;
}

/* Both ways until nothing waits; time stands still. */
static inline void
pair_run(struct pair *p)
{
	bool more = true;
	int rounds = 0;

	while (more) {
		assert_true(rounds++ < 100000);
		more = pair_carry(p, &p->child);
		more = pair_carry(p, &p->parent) || more;
		session_tell(p->child.s);
		session_tell(p->parent.s);
		session_rest(p->child.s);
		session_rest(p->parent.s);
	}
}

/* A pair that is up. */
static inline struct pair *
pair_up(void)
{
	struct pair *p = pair_new();

	pair_run(p);
	assert_int_equal(p->child.s->state, SESSION_UP);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	return p;
}

/* The child asks; the body is sent as far as it goes. */
static inline struct flow *
pair_ask(struct pair *p, const char *envelope, size_t body, bool end)
{
	static char bytes[STREAM_QUEUE_MAX];
	static const char *const path[] = { "node-a" };
	struct open_hop hop = { path, 1, 30000, 0 };
	struct flow *f = pair_flow(&p->child, NULL);

	f->stream = session_open(p->child.s, slice_of(envelope), &hop,
	    &pair_stream_events, f);
	if (f->stream == NULL)
		return NULL;
	if (body > 0)
		assert_int_equal(body,
		    stream_send(f->stream, slice_make(bytes, body)));
	if (end)
		stream_end(f->stream, slice_of(""));
	return f;
}

/*
 * A hostile peer: frames of its choice in a packet with the right number and
 * tag, fed to the other side at once.
 */
static inline void
pair_forge(struct pair *p, struct party *as, const struct frame *frames,
    size_t count)
{
	struct packet packet;
	struct buf out;
	size_t i;

	buf_init(&out, 1024 * 1024);
	packet_start(&packet, &out);
	for (i = 0; i < count; i++) {
		frame_write(&out, &frames[i]);
		packet.frames++;
	}
	packet_finish(&packet, &as->s->out_way);
	pair_feed(p, pair_other(as), buf_slice(&out));
	buf_fini(&out);
}

/* The other side ended the session, and told its application nothing. */
#define assert_refused(party, before)                                          \
	do {                                                                   \
		assert_int_equal((party)->s->state, SESSION_OVER);             \
		assert_int_equal((party)->effects, before);                    \
	} while (0)
