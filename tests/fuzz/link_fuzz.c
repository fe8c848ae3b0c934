/*
 * A session that is up, against a peer that has the keys: the input is a list
 * of what the peer sends and what the application does meanwhile.  Nothing may
 * crash, leak, call a dead stream or grow beyond its bounds.
 *
 * Input: side, then operations: code, argument, and for SEND a length and that
 * many bytes, which are packed frames behind an array header of ours.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/net/packet.h"
#include "common/net/session.h"
#include "common/net/slot.h"

#define FLOWS 32

enum code {
	SEND,
	RAW,
	FRAME_OF,
	TIME,
	FILL,
	OPEN,
	WRITE,
	TAKE,
	END,
	CANCEL,
	REFUSE,
	MESSAGE,
	DRAIN,
	TELL,
	ACCEPT,
	CODES
};

struct flow {
	struct stream *stream; /* NULL: dead */
	bool server, ended;
};

struct fuzz {
	struct session *s;
	struct packet_way way; /* of the peer */
	int64_t now_us;
	int64_t next_id; /* of a stream that the peer opens */
	struct flow flows[FLOWS];
	size_t next;
};

static struct secret *identity;
static const char zeros[20000];

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!crypto_start())
		abort();
	log_threshold(LOG_ERROR + 1);
	identity = sign_key_new();
	return 0;
}

static void
on_plain(void *arg)
{
	assert(((struct flow *)arg)->stream != NULL);
}

static void
on_throttled(void *arg, const struct throttled *why)
{
	struct flow *f = arg;

	assert(f->stream != NULL && why->reason.len <= 64);
	f->stream = NULL;
}

static void
on_head(void *arg, int status, struct slice content_type,
    int64_t retry_after_ms)
{
	assert(((struct flow *)arg)->stream != NULL);
	assert(status >= 0 && content_type.len <= 256 && retry_after_ms >= -1);
}

static void
on_data(void *arg, struct slice bytes)
{
	struct flow *f = arg;

	assert(f->stream != NULL && bytes.len > 0);
	assert(f->stream->untaken <= STREAM_CREDIT);
}

static void
on_end(void *arg, enum stream_end end)
{
	struct flow *f = arg;

	assert(f->stream != NULL);
	if (end != STREAM_DONE || !f->server)
		f->stream = NULL;
}

static const struct stream_events stream_events = { on_plain, on_throttled,
	on_head, on_data, on_plain, on_end };

/* A place for a stream; who was there is given up. */
static struct flow *
place(struct fuzz *z)
{
	struct flow *f = &z->flows[z->next++ % FLOWS];

	if (f->stream != NULL)
		stream_cancel(f->stream);
	*f = (struct flow){ 0 };
	return f;
}

static void
on_open(void *arg, struct stream *st, const struct open_request *open)
{
	struct flow *f = place(arg);

	assert(open->path_len >= 1 && open->path_len <= LINK_HOPS_MAX);
	f->stream = st;
	f->server = true;
	stream_serve(st, &stream_events, f);
}

static void
on_message(void *arg, enum link_message type, struct slice bytes)
{
	(void)arg;
	(void)type;
	assert(bytes.len <= LINK_MESSAGE_MAX);
}

static void
on_nothing(void *arg)
{
	(void)arg;
}

static struct session *
start(struct fuzz *z, bool dialler)
{
	struct session_config config = {
		.dialler = dialler,
		.identity = identity,
		.name = "us",
		.peer = { .name = "them" },
		.events = { on_nothing, on_open, on_message, on_nothing,
		    on_nothing, on_nothing },
		.arg = z,
	};
	struct session *s = session_new(&config, z->now_us);

	/* As if they had greeted each other. */
	s->state = SESSION_UP;
	s->streams_max = SESSION_STREAMS;
	s->send_credit = SESSION_CREDIT;
	z->way = s->in_way;
	buf_reset(&s->out);
	return s;
}

static void
send_packet(struct fuzz *z, struct slice frames, size_t count)
{
	struct packet p;
	struct buf out;

	buf_init(&out, (size_t)2 * PACKET_MAX);
	packet_start(&p, &out);
	buf_put_slice(&out, frames);
	p.frames = count;
	packet_finish(&p, &z->way);
	session_feed(z->s, buf_slice(&out), z->now_us);
	buf_fini(&out);
}

/* A frame that is likely to fit: type and stream by the argument. */
static void
send_likely(struct fuzz *z, uint8_t argument)
{
	static const enum frame_type types[] = { FRAME_ACCEPTED,
		FRAME_THROTTLED, FRAME_HEAD, FRAME_DATA, FRAME_END,
		FRAME_CANCEL, FRAME_CREDIT, FRAME_OPEN };
	struct frame f = { .type = types[argument % 8] };
	int64_t id = z->s->last_id - argument / 8 % 8;
	struct buf bytes;

	id = max_i64(id, 1);
	if (f.type == FRAME_OPEN) {
		f.as.open.stream = ++z->next_id;
		f.as.open.envelope = slice_of("envelope");
		f.as.open.root = slice_make(zeros, 32);
		f.as.open.signature = slice_make(zeros, 64);
		f.as.open.count = 1;
		f.as.open.path = slice_of("\x91\xa4them");
		f.as.open.credit = argument & 8 ? STREAM_SMALL : STREAM_CREDIT;
	} else {
		f.as.head.stream = id;
	}
	if (f.type == FRAME_DATA)
		f.as.data.bytes =
		    slice_make(zeros, 1 + (size_t)argument * 64 % 16384);
	if (f.type == FRAME_CREDIT) {
		f.as.credit.stream = argument & 64 ? 0 : id;
		f.as.credit.bytes = 1 + argument * 64;
	}
	buf_init(&bytes, PACKET_MAX);
	frame_write(&bytes, &f);
	send_packet(z, buf_slice(&bytes), 1);
	buf_fini(&bytes);
}

static void
open_one(struct fuzz *z)
{
	struct open_hop hop = { NULL, 0, 1000, 0 };
	struct flow *f = place(z);

	if (z->s->config.dialler)
		f->stream = session_open(z->s, slice_of("envelope"), &hop,
		    &stream_events, f);
}

static void
end_one(struct flow *f)
{
	if (f->ended)
		return;
	stream_end(f->stream, slice_of(f->server ? "receipt" : ""));
	f->ended = true;
	if (f->server)
		f->stream = NULL;
}

/* What the application may do with a live stream. */
static void
act(struct flow *f, enum code code, size_t argument)
{
	if (f->stream == NULL)
		return;
	if (code == WRITE && !f->ended)
		stream_send(f->stream, slice_make(zeros, argument * 70));
	if (code == TAKE)
		stream_taken(f->stream,
		    min_size(f->stream->untaken, argument * 256));
	if (code == END)
		end_one(f);
	if (code == CANCEL) {
		stream_cancel(f->stream);
		f->stream = NULL;
	}
	if (code == ACCEPT && f->server) {
		stream_accept(f->stream);
		stream_head(f->stream, 200, slice_of("text/plain"), 0);
	}
	if (code == REFUSE && f->server) {
		stream_refuse(f->stream, slice_of("overloaded"), 1);
		f->stream = NULL;
	}
}

static void
live(struct fuzz *z, enum code code, uint8_t argument)
{
	struct session *s = z->s;

	switch (code) {
	case FRAME_OF:
		send_likely(z, argument);
		break;
	case TIME:
		z->now_us += (int64_t)argument * 100 * US_PER_MS;
		session_tick(s, z->now_us);
		break;
	case FILL:
		session_fill(s, z->now_us);
		buf_reset(&s->out);
		break;
	case OPEN:
		open_one(z);
		break;
	case MESSAGE:
		session_send(s, s->config.dialler ? LINK_ACK : LINK_CATALOG,
		    slice_make(zeros, 1 + (size_t)argument * 77));
		break;
	case DRAIN:
		session_drain(s, "shutting down");
		break;
	case TELL:
		session_tell(s);
		session_rest(s);
		break;
	default:
		act(&z->flows[argument % FLOWS], code, argument);
	}
}

static void
check_bounds(const struct session *s)
{
	size_t count = 0;

	list_each(item, &s->streams) {
		(void)item;
		count++;
	}
	assert(count == s->slots && s->slots <= SESSION_STREAMS);
	assert(s->by_id.count <= s->slots);
	assert(s->recv_credit >= 0 && s->recv_credit <= SESSION_CREDIT);
	assert(s->control.len <= 1024 * 1024);
	assert(s->in.len < PACKET_MAX);
	if (s->assembly.type != 0)
		assert(s->assembly.bytes.max <= LINK_MESSAGE_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct fuzz z = { .now_us = 1000 };
	struct slice in = slice_make(bytes, len);

	if (len < 1)
		return 0;
	z.s = start(&z, bytes[0] & 1);
	for (in = slice_after(in, 1); in.len >= 2;) {
		enum code code = (uint8_t)in.ptr[0] % CODES;
		uint8_t argument = (uint8_t)in.ptr[1];

		in = slice_after(in, 2);
		if (code == SEND || code == RAW) {
			struct slice part =
			    slice_make(in.ptr, min_size(in.len, argument));

			in = slice_after(in, part.len);
			if (code == SEND)
				send_packet(&z, part, 1 + argument % 3);
			else
				session_feed(z.s, part, z.now_us);
		} else {
			live(&z, code, argument);
		}
		check_bounds(z.s);
	}
	session_lose(z.s);
	session_free(z.s);
	return 0;
}
