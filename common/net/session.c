#include "common/net/session.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/net/arrival.h"
#include "common/net/greeting.h"
#include "common/net/message.h"
#include "common/net/queue.h"
#include "common/net/slot.h"

#define QUIET_US      (10LL * US_PER_SECOND) /* silence before a PING, +-20 % */
#define PROBE_US      (30LL * US_PER_SECOND) /* PINGs of a busy link */
#define DEAD_US       (30LL * US_PER_SECOND)
#define MINUTE_US     (60LL * US_PER_SECOND)
#define PASSED_MAX    16 /* unknown frames passed over in a minute */
#define PINGS_AT_ONCE 64 /* whose PONGs may wait to be sent */

/* The next PING comes after about ten seconds, peers not in step. */
static int64_t
quiet_time(void)
{
	uint16_t random;

	crypto_random(&random, sizeof(random));
	return QUIET_US * 8 / 10 + QUIET_US * 4 / 10 * random / UINT16_MAX;
}

struct session *
session_new(const struct session_config *config, int64_t now_us)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->config = *config;
	s->now_us = s->heard_us = s->cancels_us = now_us;
	s->cancels = INT64_MAX / 2;
	s->quiet_us = quiet_time();
	s->recv_credit = SESSION_CREDIT;
	buf_init(&s->in, PACKET_MAX);
	buf_init(&s->out, (size_t)2 * PACKET_MAX);
	map_init(&s->by_id);
	list_init(&s->streams);
	list_init(&s->opening);
	list_init(&s->ready);
	list_init(&s->parked);
	list_init(&s->telling);
	list_init(&s->dead);
	list_init(&s->pool);
	list_init(&s->messages);
	greeting_start(s);
	return s;
}

static void
free_streams(struct list *streams)
{
	struct list *first;

	while ((first = list_pop(streams)) != NULL)
		stream_free(container_of(first, struct stream, all));
}

void
session_free(struct session *s)
{
	if (s == NULL)
		return;
	assert(list_empty(&s->streams) && list_empty(&s->telling));
	free_streams(&s->dead);
	free_streams(&s->pool);
	queue_fini(s);
	message_fini(s);
	map_fini(&s->by_id);
	buf_fini(&s->in);
	buf_fini(&s->out);
	crypto_wipe(&s->in_way, sizeof(s->in_way));
	crypto_wipe(&s->out_way, sizeof(s->out_way));
	crypto_wipe(s->config.exporter, KEY_BYTES);
	free(s);
}

void
session_stop(struct session *s, const char *why)
{
	if (s->state == SESSION_OVER)
		return;
	s->state = SESSION_OVER;
	s->why = why;
	s->config.events.on_dirty(s->config.arg);
}

void
session_violate(struct session *s, const char *why)
{
	if (s->state == SESSION_OVER)
		return;
	stat_add(STAT_LINK_VIOLATIONS, 1);
	log_warn("link broke the protocol", log_str("fault", why),
	    log_str("peer", s->config.peer.name));
	session_stop(s, why);
}

static void
on_ping(struct session *s, const struct frame *f)
{
	struct frame pong = { .type = FRAME_PONG };

	if (++s->pongs > PINGS_AT_ONCE) {
		session_violate(s, "too many PINGs");
		return;
	}
	pong.as.pong.token = f->as.ping.token;
	queue_control(s, &pong);
}

static void
send_ping(struct session *s)
{
	struct frame f = { .type = FRAME_PING };

	f.as.ping.token = ++s->ping_token;
	s->ping_us = s->pinged_us = s->now_us;
	queue_control(s, &f);
}

static void
send_goaway(struct session *s, int step)
{
	struct frame f = { .type = FRAME_GOAWAY };

	f.as.goaway.step = step;
	f.as.goaway.last = s->config.dialler ? 0 : s->last_id;
	f.as.goaway.reason = slice_of(s->goaway_why);
	f.as.goaway.reason.len = min_size(f.as.goaway.reason.len, 64);
	s->goaway_sent = step;
	queue_control(s, &f);
}

static void
on_pong(struct session *s, const struct frame *f)
{
	int64_t token = f->as.pong.token;

	if (token < 1 || token > s->ping_token) {
		session_violate(s, "PONG without a PING");
		return;
	}
	if (token == s->ping_token && s->ping_us != 0) {
		s->rtt_us = max_i64(1, s->now_us - s->ping_us);
		s->ping_us = 0;
	}
	/* The peer has read our first step: no OPEN is under way now. */
	if (s->goaway_sent == 1 && token >= s->goaway_token)
		send_goaway(s, 2);
}

void
session_drain(struct session *s, const char *why)
{
	if (s->state != SESSION_UP) {
		session_stop(s, why);
		return;
	}
	if (s->goaway_sent > 0)
		return;
	s->goaway_why = why;
	send_goaway(s, 1);
	send_ping(s);
	s->goaway_token = s->ping_token;
}

bool
session_drained(const struct session *s)
{
	return s->state == SESSION_UP && s->goaway_sent == 2 && s->slots == 0 &&
	       s->out.len == 0 && !queue_waits(s);
}

static void
on_goaway(struct session *s, const struct frame *f)
{
	if (f->as.goaway.step <= s->goaway_got) {
		session_violate(s, "GOAWAY goes back");
		return;
	}
	s->goaway_got = (int)f->as.goaway.step;
	log_info("peer is going away", log_str("peer", s->config.peer.name),
	    log_slice("reason", f->as.goaway.reason));
}

static void
on_twin(struct session *s, const struct frame *f)
{
	(void)f;
	s->config.events.on_twin(s->config.arg);
}

void
session_send_twin(struct session *s)
{
	struct frame f = { .type = FRAME_TWIN };

	queue_control(s, &f);
}

void
session_send(struct session *s, enum link_message type, struct slice bytes)
{
	if (s->state == SESSION_UP)
		queue_message(s, type, bytes);
}

/* The greeting's frames are handled apart. */
static void
on_greeting(struct session *s, const struct frame *f)
{
	(void)f;
	session_violate(s, "a second greeting");
}

typedef void step(struct session *s, const struct frame *f);

static step *const steps[] = {
#define step_hello                              on_greeting
#define step_auth                               on_greeting
#define step_settings                           on_greeting
#define step_open                               arrival_open
#define step_accepted                           arrival_accepted
#define step_throttled                          arrival_throttled
#define step_head                               arrival_head
#define step_data                               arrival_data
#define step_end                                arrival_end
#define step_cancel                             arrival_cancel
#define step_credit                             arrival_credit
#define step_part                               message_part
#define step_ping                               on_ping
#define step_pong                               on_pong
#define step_goaway                             on_goaway
#define step_twin                               on_twin
#define FRAME(NAME, name, number, sender, step) [number] = step_##step,
#include "common/net/msg.def"
};

static bool
may_pass(struct session *s)
{
	if (s->now_us - s->pass_us > MINUTE_US) {
		s->pass_us = s->now_us;
		s->passed = 0;
	}
	return s->passed++ < PASSED_MAX;
}

/* Read all of a packet's frames; gives how many, or -1 when one is bad. */
static int
read_frames(struct session *s, struct slice bytes, struct frame *frames)
{
	enum frame_sender peer = s->config.dialler ? FRAME_PARENT : FRAME_CHILD;
	struct unpack u = unpack_start(bytes);
	size_t i, count = unpack_array(&u);
	int n = 0;

	if (u.failed || count < 1 || count > PACKET_FRAMES)
		return -1;
	for (i = 0; i < count; i++) {
		enum frame_result result = frame_read(&frames[n], &u);

		if (result == FRAME_BAD)
			return -1;
		if (result == FRAME_PASSED && !may_pass(s))
			return -1;
		if (result == FRAME_PASSED)
			continue;
		if (!(frame_sender(frames[n].type) & peer))
			return -1;
		n++;
	}
	return unpack_done(&u) ? n : -1;
}

/* Before it is up a session takes single frames, in one order. */
static void
greet(struct session *s, const struct frame *f, int n, struct slice bytes)
{
	static const enum frame_type wanted[] = {
		[SESSION_HELLO] = FRAME_HELLO,
		[SESSION_AUTH] = FRAME_AUTH,
		[SESSION_SETTINGS] = FRAME_SETTINGS,
	};

	if (n != 1 || f->type != wanted[s->state]) {
		session_violate(s, "frame before its time");
		return;
	}
	if (f->type == FRAME_HELLO)
		greeting_hello(s, f, bytes);
	else if (f->type == FRAME_AUTH)
		greeting_auth(s, f);
	else
		greeting_settings(s, f);
}

static void
on_packet(struct session *s, struct slice bytes)
{
	struct frame frames[PACKET_FRAMES];
	int i, n = read_frames(s, bytes, frames);

	if (n < 0) {
		session_violate(s, "packet of broken frames");
		return;
	}
	s->heard_us = s->now_us;
	if (s->state != SESSION_UP) {
		greet(s, frames, n, bytes);
		return;
	}
	/* A callback may end the session. */
	for (i = 0; i < n && s->state == SESSION_UP; i++)
		steps[frames[i].type](s, &frames[i]);
}

/* Take the whole packets of `bytes`; gives what is left. */
static struct slice
take_packets(struct session *s, struct slice bytes)
{
	while (s->state != SESSION_OVER) {
		size_t max =
		    s->state < SESSION_SETTINGS ? GREETING_MAX : PACKET_MAX;
		struct slice frames;
		enum packet_result result =
		    packet_take(&bytes, max, &s->in_way, &frames);

		if (result == PACKET_NONE)
			return bytes;
		if (result == PACKET_BAD)
			session_violate(s, "broken packet");
		else
			on_packet(s, frames);
	}
	return slice_make(NULL, 0);
}

void
session_feed(struct session *s, struct slice bytes, int64_t now_us)
{
	s->now_us = now_us;
	s->figures.bytes_in += (int64_t)bytes.len;
	/* Whole packets are read where they lie. */
	if (s->in.len == 0)
		bytes = take_packets(s, bytes);
	while (bytes.len > 0 && s->state != SESSION_OVER) {
		size_t n = min_size(bytes.len, PACKET_MAX - s->in.len);
		struct slice left;

		buf_put(&s->in, bytes.ptr, n);
		bytes = slice_after(bytes, n);
		left = take_packets(s, buf_slice(&s->in));
		buf_drop(&s->in, s->in.len - left.len);
	}
}

int64_t
session_tick(struct session *s, int64_t now_us)
{
	int64_t next = s->heard_us + DEAD_US, due;

	s->now_us = now_us;
	/* Idle links keep no buffers. */
	if (s->in.len == 0)
		buf_fini(&s->in);
	if (s->out.len == 0)
		buf_fini(&s->out);
	if (now_us >= next) {
		session_stop(s, "peer is silent");
		return now_us;
	}
	if (s->state != SESSION_UP)
		return next;
	/* Look again when the PONG is there: it comes without a tick. */
	if (s->ping_us != 0)
		return now_us < s->ping_us + s->quiet_us
			   ? min_i64(next, s->ping_us + s->quiet_us)
			   : next;
	/* Who is heard all the time is asked, too, how far away he is. */
	due = s->heard_us + s->quiet_us;
	if (s->pinged_us > 0)
		due = min_i64(due, s->pinged_us + PROBE_US);
	if (now_us < due)
		return due;
	s->quiet_us = quiet_time();
	send_ping(s);
	return min_i64(next, now_us + s->quiet_us);
}
