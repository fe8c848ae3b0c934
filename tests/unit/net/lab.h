#pragma once
/*
 * lab: two members on one loop, linked over 127.0.0.1.  Each test is a story of
 * steps; a step is tried once a turn until it says that it is done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/base/stat.h"
#include "common/net/link.h"
#include "common/net/loop.h"

#define CALLS_MAX 1200
#define STORY_MAX 16

/* One side of a stream, as an application sees it. */
struct call {
	struct stream *stream;
	struct lab *lab;
	struct buf got;
	size_t sent;
	int accepted, heads, status, rooms;
	bool done, cancelled, lost, throttled, hold, serves, ended;
	char reason[32];
};

struct member {
	struct lab *lab;
	const char *name;
	struct secret *identity;
	struct tls_boot *tls;
	struct link_config config;
	struct link *link; /* the last one that came up */
	int ups, downs, twins;
	char why[64];
	bool refuses_all; /* allow says no */
	struct buf messages;
	size_t count; /* of messages */
	struct call calls[CALLS_MAX];
	size_t opened;
};

struct lab {
	struct loop *loop;
	struct member node, egress;
	struct link_listener *listener;
	struct link *dialled, *second;
	struct loop_timer *tick;
	char address[32];
	bool (*steps[STORY_MAX])(struct lab *lab);
	size_t step;
	bool mute; /* the egress does not answer */
	int64_t began_us;
	struct buf body;
	struct link_config twin; /* of the second link */
	uint64_t strangers;      /* when it began */
	int fd;
	int loiterer[160];
	size_t loiterers;
};

static inline bool
allow(void *arg, struct slice name, const struct public_key *key,
    struct link_peer *peer)
{
	struct member *m = arg;
	struct member *all[] = { &m->lab->node, &m->lab->egress };
	size_t i;

	for (i = 0; i < count_of(all) && !m->refuses_all; i++) {
		struct public_key known;

		if (all[i]->identity == NULL)
			continue;
		known = sign_public(all[i]->identity);
		if (!slice_is(name, all[i]->name) ||
		    memcmp(&known, key, sizeof(known)) != 0)
			continue;
		peer->role = all[i]->config.role;
		return true;
	}
	return false;
}

static inline struct hash
topology(void *arg)
{
	struct member *m = arg;

	return hash_of(m->name, strlen(m->name));
}

static inline void
on_up(void *arg, struct link *l)
{
	struct member *m = arg;

	m->link = l;
	m->ups++;
}

static inline void
on_down(void *arg, struct link *l, const char *why)
{
	struct member *m = arg;

	(void)l;
	m->downs++;
	snprintf(m->why, sizeof(m->why), "%s", why);
	m->link = NULL;
}

static inline void
on_message(void *arg, struct link *l, enum link_message type,
    struct slice bytes)
{
	struct member *m = arg;

	(void)l;
	(void)type;
	buf_put_slice(&m->messages, bytes);
	m->count++;
}

static inline void
on_twin(void *arg, struct link *l)
{
	struct member *m = arg;

	(void)l;
	m->twins++;
}

static inline void
on_accepted(void *arg)
{
	struct call *c = arg;

	c->accepted++;
}

static inline void
on_throttled(void *arg, const struct throttled *why)
{
	struct call *c = arg;

	c->throttled = true;
	snprintf(c->reason, sizeof(c->reason), "%.*s", SLICE_FMT(why->reason));
}

static inline void
on_head(void *arg, int status, struct slice content_type,
    int64_t retry_after_ms)
{
	struct call *c = arg;

	assert_true(slice_is(content_type, "text/plain"));
	assert_int_equal(retry_after_ms, -1);
	c->heads++;
	c->status = status;
}

static inline void
on_data(void *arg, struct slice bytes)
{
	struct call *c = arg;

	buf_put_slice(&c->got, bytes);
	assert_false(c->got.failed);
	if (!c->hold)
		stream_taken(c->stream, bytes.len);
}

/* Give back what was got, as far as there is room. */
static inline void
answer(struct call *c)
{
	size_t n =
	    stream_send(c->stream, slice_after(buf_slice(&c->got), c->sent));

	c->sent += n;
	if (c->sent == c->got.len && !c->ended) {
		c->ended = true;
		stream_end(c->stream, slice_of("receipt"));
	}
}

static inline void
on_room(void *arg)
{
	struct call *c = arg;

	c->rooms++;
	if (c->serves) {
		answer(c);
		return;
	}
	c->sent += stream_send(c->stream,
	    slice_after(buf_slice(&c->lab->body), c->sent));
	if (c->sent == c->lab->body.len)
		stream_end(c->stream, slice_of(""));
}

static inline void
on_end(void *arg, enum stream_end end)
{
	struct call *c = arg;

	c->done |= end == STREAM_DONE;
	c->cancelled |= end == STREAM_CANCELLED;
	c->lost |= end == STREAM_LOST;
	if (end != STREAM_DONE || !c->serves || c->lab->mute)
		return;
	stream_head(c->stream, 200, slice_of("text/plain"), -1);
	answer(c);
}

static const struct stream_events stream_events = { on_accepted, on_throttled,
	on_head, on_data, on_room, on_end };

static inline struct call *
new_call(struct member *m)
{
	struct call *c = &m->calls[m->opened++];

	assert_true(m->opened <= CALLS_MAX);
	c->lab = m->lab;
	buf_init(&c->got, 8 * 1024 * 1024);
	return c;
}

static inline void
on_open(void *arg, struct link *l, struct stream *st,
    const struct open_request *open)
{
	struct member *m = arg;
	struct call *c = new_call(m);

	assert_true(seal_check(&open->seal, &link_peer(l)->key, OPEN_CONTEXT,
	    open->envelope));
	assert_true(slice_eq(open->path[open->path_len - 1],
	    slice_of(link_peer(l)->name)));
	assert_int_equal(open->remaining_ms, 30000);
	c->stream = st;
	c->serves = true;
	if (slice_is(open->envelope, "refuse me")) {
		stream_refuse(st, slice_of("overloaded"), 1500);
		return;
	}
	stream_serve(st, &stream_events, c);
	stream_accept(st);
}

static inline void
init_member(struct lab *lab, struct member *m, const char *name,
    enum link_role role)
{
	struct link_config *c = &m->config;

	m->lab = lab;
	m->name = name;
	m->identity = sign_key_new();
	m->tls = tls_boot_new(m->identity, name);
	assert_non_null(m->tls);
	buf_init(&m->messages, 8 * 1024 * 1024);
	c->loop = lab->loop;
	c->tls = m->tls;
	c->identity = m->identity;
	c->name = name;
	c->role = role;
	crypto_random(&c->boot, sizeof(c->boot));
	c->allow = allow;
	c->topology = topology;
	c->events = (struct link_events){ on_up, on_down, on_open, on_message,
		on_twin };
	c->arg = m;
}

static inline void
fini_member(struct member *m)
{
	size_t i;

	for (i = 0; i < m->opened; i++)
		buf_fini(&m->calls[i].got);
	buf_fini(&m->messages);
	tls_boot_free(m->tls);
	secret_free(m->identity);
}

static inline int
listen_any(char address[32])
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (void *)&in, len), 0);
	assert_int_equal(listen(fd, 256), 0);
	assert_int_equal(getsockname(fd, (void *)&in, &len), 0);
	snprintf(address, 32, "127.0.0.1:%d", ntohs(in.sin_port));
	return fd;
}

/* One step a turn; when all are done the links are taken down. */
static inline void
on_turn(void *arg)
{
	struct lab *lab = arg;

	if (clock_mono_us() - lab->began_us > 20 * US_PER_SECOND)
		fail_msg("step %zu does not end", lab->step);
	while (lab->steps[lab->step] != NULL && lab->steps[lab->step](lab))
		lab->step++;
	if (lab->steps[lab->step] == NULL) {
		link_listener_free(lab->listener);
		lab->listener = NULL;
		link_free(lab->dialled);
		link_free(lab->second);
		lab->dialled = lab->second = NULL;
		if (lab->egress.ups == lab->egress.downs)
			loop_stop(lab->loop);
	}
}

static inline void
on_tick(void *arg)
{
	struct lab *lab = arg;

	loop_timer_set(lab->tick, 5 * US_PER_MS);
}

static inline struct lab *
lab_new(void)
{
	struct lab *lab = xcalloc(1, sizeof(*lab));
	int fd;

	lab->loop = loop_new("lab");
	lab->began_us = clock_mono_us();
	lab->strangers = stat_get(STAT_LINK_STRANGERS);
	init_member(lab, &lab->node, "node-a", LINK_NODE);
	init_member(lab, &lab->egress, "egress-1", LINK_EGRESS);
	fd = listen_any(lab->address);
	lab->listener = link_listen(&lab->egress.config, fd);
	loop_each_turn(lab->loop, LOOP_RUN, on_turn, lab);
	lab->tick = loop_timer_new(lab->loop, on_tick, lab);
	loop_timer_set(lab->tick, 0);
	buf_init(&lab->body, 4 * 1024 * 1024);
	return lab;
}

static inline void
lab_dial(struct lab *lab)
{
	lab->dialled = link_dial(&lab->node.config, lab->address, "egress-1");
}

static inline void
lab_run(struct lab *lab)
{
	loop_run(lab->loop);
	loop_timer_free(lab->tick);
	fini_member(&lab->node);
	fini_member(&lab->egress);
	buf_fini(&lab->body);
	loop_free(lab->loop);
	free(lab);
}

static inline struct call *
ask(struct lab *lab, const char *envelope, struct slice body)
{
	static const char *const path[] = { "node-a" };
	struct open_hop hop = { path, 1, 30000, 0 };
	struct call *c = new_call(&lab->node);

	c->stream = link_open(lab->dialled, slice_of(envelope), &hop,
	    &stream_events, c);
	if (c->stream == NULL)
		return NULL;
	c->sent = stream_send(c->stream, body);
	if (c->sent == body.len)
		stream_end(c->stream, slice_of(""));
	return c;
}

static inline bool
both_up(struct lab *lab)
{
	return lab->node.ups == 1 && lab->egress.ups == 1 &&
	       link_is_up(lab->dialled);
}
