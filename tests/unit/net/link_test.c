/*
 * Whole links: two members on one loop, over 127.0.0.1.  Each test is a story
 * of steps; a step is tried once a turn until it says that it is done.
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

static bool
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

static struct hash
topology(void *arg)
{
	struct member *m = arg;

	return hash_of(m->name, strlen(m->name));
}

static void
on_up(void *arg, struct link *l)
{
	struct member *m = arg;

	m->link = l;
	m->ups++;
}

static void
on_down(void *arg, struct link *l, const char *why)
{
	struct member *m = arg;

	(void)l;
	m->downs++;
	snprintf(m->why, sizeof(m->why), "%s", why);
	m->link = NULL;
}

static void
on_message(void *arg, struct link *l, enum link_message type,
    struct slice bytes)
{
	struct member *m = arg;

	(void)l;
	(void)type;
	buf_put_slice(&m->messages, bytes);
	m->count++;
}

static void
on_twin(void *arg, struct link *l)
{
	struct member *m = arg;

	(void)l;
	m->twins++;
}

static void
on_accepted(void *arg)
{
	struct call *c = arg;

	c->accepted++;
}

static void
on_throttled(void *arg, const struct throttled *why)
{
	struct call *c = arg;

	c->throttled = true;
	snprintf(c->reason, sizeof(c->reason), "%.*s", SLICE_FMT(why->reason));
}

static void
on_head(void *arg, int status, struct slice content_type,
    int64_t retry_after_ms)
{
	struct call *c = arg;

	assert_true(slice_is(content_type, "text/plain"));
	assert_int_equal(retry_after_ms, -1);
	c->heads++;
	c->status = status;
}

static void
on_data(void *arg, struct slice bytes)
{
	struct call *c = arg;

	buf_put_slice(&c->got, bytes);
	assert_false(c->got.failed);
	if (!c->hold)
		stream_taken(c->stream, bytes.len);
}

/* Give back what was got, as far as there is room. */
static void
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

static void
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

static void
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

static struct call *
new_call(struct member *m)
{
	struct call *c = &m->calls[m->opened++];

	assert_true(m->opened <= CALLS_MAX);
	c->lab = m->lab;
	buf_init(&c->got, 8 * 1024 * 1024);
	return c;
}

static void
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

static void
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

static void
fini_member(struct member *m)
{
	size_t i;

	for (i = 0; i < m->opened; i++)
		buf_fini(&m->calls[i].got);
	buf_fini(&m->messages);
	tls_boot_free(m->tls);
	secret_free(m->identity);
}

static int
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
static void
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

static void
on_tick(void *arg)
{
	struct lab *lab = arg;

	loop_timer_set(lab->tick, 5 * US_PER_MS);
}

static struct lab *
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

static void
lab_dial(struct lab *lab)
{
	lab->dialled = link_dial(&lab->node.config, lab->address, "egress-1");
}

static void
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

static struct call *
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

static bool
both_up(struct lab *lab)
{
	return lab->node.ups == 1 && lab->egress.ups == 1 &&
	       link_is_up(lab->dialled);
}

static bool
ask_one(struct lab *lab)
{
	struct hash hash = hash_of("egress-1", 8);
	struct hash told = link_peer_topology(lab->dialled);

	assert_memory_equal(&told, &hash, sizeof(hash));
	assert_string_equal(link_peer(lab->dialled)->name, "egress-1");
	assert_int_equal(link_peer(lab->egress.link)->role, LINK_NODE);
	assert_non_null(ask(lab, "envelope", slice_of("hello there")));
	return true;
}

static bool
one_answered(struct lab *lab)
{
	struct call *c = &lab->node.calls[0];

	if (!c->done)
		return false;
	assert_int_equal(c->accepted, 1);
	assert_int_equal(c->heads, 1);
	assert_int_equal(c->status, 200);
	assert_true(slice_is(buf_slice(&c->got), "hello there"));
	/* The receipt came before the end. */
	assert_true(slice_is(buf_slice(&lab->node.messages), "receipt"));
	assert_int_equal(link_streams(lab->dialled), 0);
	return true;
}

static void
a_request_and_its_answer(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = ask_one;
	lab->steps[2] = one_answered;
	lab_run(lab);
}

static bool
ask_many(struct lab *lab)
{
	char text[64];
	int i;

	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "envelope %d", i);
		assert_non_null(ask(lab, text, slice_of(text)));
	}
	return true;
}

static bool
many_answered(struct lab *lab)
{
	char text[64];
	int i;

	for (i = 0; i < 200; i++)
		if (!lab->node.calls[i].done)
			return false;
	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "envelope %d", i);
		assert_true(slice_is(buf_slice(&lab->node.calls[i].got), text));
	}
	return true;
}

static void
many_requests_at_once(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = ask_many;
	lab->steps[2] = many_answered;
	lab_run(lab);
}

static bool
ask_refused(struct lab *lab)
{
	assert_non_null(ask(lab, "refuse me", slice_of("body")));
	return true;
}

static bool
was_refused(struct lab *lab)
{
	struct call *c = &lab->node.calls[0];

	if (!c->throttled)
		return false;
	assert_string_equal(c->reason, "overloaded");
	assert_false(c->done);
	return link_streams(lab->dialled) == 0;
}

static void
a_refusal(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = ask_refused;
	lab->steps[2] = was_refused;
	lab_run(lab);
}

static bool
send_catalog(struct lab *lab)
{
	uint8_t *room = buf_room(&lab->body, 1500 * 1000);

	crypto_random(room, 1500 * 1000);
	buf_grow(&lab->body, 1500 * 1000);
	link_send(lab->egress.link, LINK_CATALOG, buf_slice(&lab->body));
	return true;
}

static bool
catalog_came(struct lab *lab)
{
	if (lab->node.count == 0)
		return false;
	assert_true(
	    slice_eq(buf_slice(&lab->node.messages), buf_slice(&lab->body)));
	return true;
}

static void
a_message_in_parts(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = send_catalog;
	lab->steps[2] = catalog_came;
	lab_run(lab);
}

static bool
cut(struct lab *lab)
{
	lab->mute = true;
	assert_non_null(ask(lab, "envelope", slice_of("x")));
	return true;
}

static bool
cut_now(struct lab *lab)
{
	if (lab->egress.opened == 0 || !lab->egress.calls[0].done)
		return false;
	link_close(lab->egress.link, "cut by the test");
	assert_int_equal(lab->egress.downs, 0);
	return true;
}

static bool
came_back(struct lab *lab)
{
	if (lab->node.ups < 2 || lab->egress.ups < 2)
		return false;
	assert_true(lab->node.calls[0].lost);
	assert_true(lab->egress.calls[0].lost);
	assert_int_equal(lab->egress.downs, 1);
	assert_int_equal(lab->node.downs, 1);
	return true;
}

static void
a_cut_link_comes_back(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = cut;
	lab->steps[2] = cut_now;
	lab->steps[3] = came_back;
	lab_run(lab);
}

#define LARGE (3 * 1024 * 1024)

static bool
ask_large(struct lab *lab)
{
	struct call *c;
	int i;

	crypto_random(buf_room(&lab->body, LARGE), LARGE);
	buf_grow(&lab->body, LARGE);
	for (i = 0; i < 3; i++) {
		c = ask(lab, "envelope", buf_slice(&lab->body));
		assert_non_null(c);
		assert_true(c->sent < LARGE);
	}
	return true;
}

static bool
large_answered(struct lab *lab)
{
	int i;

	for (i = 0; i < 3; i++)
		if (!lab->node.calls[i].done)
			return false;
	for (i = 0; i < 3; i++) {
		struct call *c = &lab->node.calls[i];

		assert_true(
		    slice_eq(buf_slice(&c->got), buf_slice(&lab->body)));
		assert_true(c->rooms > 10);
	}
	return true;
}

static void
large_bodies_both_ways(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = ask_large;
	lab->steps[2] = large_answered;
	lab_run(lab);
}

/* What the listener's side counted since the lab was made. */
static bool
stranger_seen(struct lab *lab)
{
	if (stat_get(STAT_LINK_STRANGERS) == lab->strangers)
		return false;
	assert_int_equal(lab->egress.ups, 0);
	assert_int_equal(lab->node.ups, 0);
	return true;
}

static void
a_stranger_does_not_get_in(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->egress.refuses_all = true;
	lab_dial(lab);
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

static void
an_unknown_parent_is_not_trusted(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->node.refuses_all = true;
	lab_dial(lab);
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

/* It is in the topology, but not who was to be dialled. */
static void
another_parent_is_not_taken(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->dialled = link_dial(&lab->node.config, lab->address, "egress-2");
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

/* A certificate under a name that its key does not belong to. */
static void
a_name_needs_its_key(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	tls_boot_free(lab->node.tls);
	lab->node.tls = tls_boot_new(lab->node.identity, "node-b");
	lab->node.config.tls = lab->node.tls;
	lab_dial(lab);
	lab->steps[0] = stranger_seen;
	lab_run(lab);
}

static void
connect_raw(struct lab *lab)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port =
		    htons((uint16_t)atoi(strchr(lab->address, ':') + 1)) };

	lab->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(lab->fd, (void *)&in, sizeof(in)), 0);
}

static bool
write_garbage(struct lab *lab)
{
	connect_raw(lab);
	assert_int_equal(write(lab->fd, "GET / HTTP/1.1\r\n\r\n", 18), 18);
	return true;
}

static bool
garbage_hung_up(struct lab *lab)
{
	char answer[64];
	ssize_t n = recv(lab->fd, answer, sizeof(answer), MSG_DONTWAIT);

	if (n > 0 || (n < 0 && errno == EAGAIN))
		return false; /* an alert of TLS */
	close(lab->fd);
	assert_int_equal(lab->egress.ups, 0);
	return true;
}

static void
garbage_is_hung_up_on(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->steps[0] = write_garbage;
	lab->steps[1] = garbage_hung_up;
	lab_run(lab);
}

#define LOITERERS 140 /* more than may be half open */

static bool
loiter(struct lab *lab)
{
	int fd = lab->fd;

	while (lab->loiterers < LOITERERS) {
		connect_raw(lab);
		lab->loiterer[lab->loiterers++] = lab->fd;
	}
	lab->fd = fd;
	return true;
}

static bool
first_is_gone(struct lab *lab)
{
	char byte;

	return recv(lab->loiterer[0], &byte, 1, MSG_DONTWAIT) == 0 ||
	       errno == ECONNRESET;
}

/* Those who came late are served all the same. */
static bool
dial_late(struct lab *lab)
{
	lab_dial(lab);
	return true;
}

static bool
leave(struct lab *lab)
{
	while (lab->loiterers > 0)
		close(lab->loiterer[--lab->loiterers]);
	return true;
}

static void
loiterers_are_pushed_out(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab->steps[0] = loiter;
	lab->steps[1] = first_is_gone;
	lab->steps[2] = dial_late;
	lab->steps[3] = both_up;
	lab->steps[4] = leave;
	lab_run(lab);
}

static void
a_name_is_resolved(void **state)
{
	struct lab *lab = lab_new();
	char address[32];

	(void)state;
	snprintf(address, sizeof(address), "localhost%s",
	    strchr(lab->address, ':'));
	lab->dialled = link_dial(&lab->node.config, address, "egress-1");
	lab->steps[0] = both_up;
	lab_run(lab);
}

static bool
dial_twin(struct lab *lab)
{
	lab->twin = lab->node.config;
	crypto_random(&lab->twin.boot, sizeof(lab->twin.boot));
	lab->second = link_dial(&lab->twin, lab->address, "egress-1");
	return true;
}

static bool
twin_noticed(struct lab *lab)
{
	if (lab->egress.ups < 2 || lab->egress.twins == 0)
		return false;
	/* The twin is told as well. */
	return lab->node.twins > 0;
}

static void
a_second_boot_raises_an_alarm(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = dial_twin;
	lab->steps[2] = twin_noticed;
	lab_run(lab);
}

static bool
dial_lane(struct lab *lab)
{
	lab->twin = lab->node.config;
	lab->twin.lane = 1;
	lab->second = link_dial(&lab->twin, lab->address, "egress-1");
	return true;
}

static bool
lane_is_up(struct lab *lab)
{
	if (lab->egress.ups < 2 || lab->node.ups < 2)
		return false;
	assert_int_equal(link_peer_lane(lab->egress.link), 1);
	assert_int_equal(lab->egress.twins + lab->node.twins, 0);
	return true;
}

static void
another_lane_raises_none(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = dial_lane;
	lab->steps[2] = lane_is_up;
	lab_run(lab);
}

static bool
forbid(struct lab *lab)
{
	link_recheck(lab->egress.link);
	assert_true(link_is_up(lab->egress.link));
	lab->egress.refuses_all = true;
	link_recheck(lab->egress.link);
	assert_false(link_is_up(lab->egress.link));
	return true;
}

static bool
forbidden(struct lab *lab)
{
	if (lab->egress.downs == 0 || lab->node.downs == 0)
		return false;
	assert_string_equal(lab->egress.why,
	    "no longer allowed by the topology");
	return true;
}

static void
a_revoked_key_loses_its_link(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = forbid;
	lab->steps[2] = forbidden;
	lab_run(lab);
}

static bool
drain_egress(struct lab *lab)
{
	if (lab->egress.opened == 0 || !lab->egress.calls[0].done)
		return false;
	link_drain(lab->egress.link);
	return true;
}

static bool
finish_one(struct lab *lab)
{
	/* The drain waits for this. */
	assert_int_equal(lab->egress.downs, 0);
	stream_end(lab->egress.calls[0].stream, slice_of("receipt"));
	return true;
}

static bool
drained(struct lab *lab)
{
	if (lab->egress.downs == 0 || lab->node.downs == 0)
		return false;
	assert_true(lab->node.calls[0].done);
	assert_string_equal(lab->egress.why, "drained");
	assert_string_equal(lab->node.why, "closed by the peer");
	return true;
}

static void
a_drain_waits_for_streams(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = cut; /* asks; it is not answered */
	lab->steps[2] = drain_egress;
	lab->steps[3] = finish_one;
	lab->steps[4] = drained;
	lab_run(lab);
}

static bool
drain_node(struct lab *lab)
{
	link_drain(lab->dialled);
	return true;
}

static bool
node_drained(struct lab *lab)
{
	if (lab->egress.downs == 0 || lab->node.downs == 0)
		return false;
	assert_string_equal(lab->node.why, "drained");
	return true;
}

static void
a_dialler_drains_and_stays_away(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = drain_node;
	lab->steps[2] = node_drained;
	lab_run(lab);
}

/* The application frees its link where it is told of an answer's bytes. */
static void
on_data_free(void *arg, struct slice bytes)
{
	struct call *c = arg;
	struct lab *lab = c->lab;

	(void)bytes;
	link_free(lab->dialled);
	lab->dialled = NULL;
	assert_true(c->lost);
}

static const struct stream_events freeing_events = { on_accepted, on_throttled,
	on_head, on_data_free, on_room, on_end };

static bool
ask_and_free(struct lab *lab)
{
	struct open_hop hop = { NULL, 0, 30000, 0 };
	struct call *c = new_call(&lab->node);

	c->stream = link_open(lab->dialled, slice_of("envelope"), &hop,
	    &freeing_events, c);
	assert_non_null(c->stream);
	stream_send(c->stream, slice_of("x"));
	stream_end(c->stream, slice_of(""));
	return true;
}

static bool
was_freed(struct lab *lab)
{
	return lab->dialled == NULL && lab->egress.downs == 1;
}

static void
a_link_may_be_freed_by_its_own_callback(void **state)
{
	struct lab *lab = lab_new();

	(void)state;
	lab_dial(lab);
	lab->steps[0] = both_up;
	lab->steps[1] = ask_and_free;
	lab->steps[2] = was_freed;
	lab_run(lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_and_its_answer),
		cmocka_unit_test(many_requests_at_once),
		cmocka_unit_test(a_refusal),
		cmocka_unit_test(a_message_in_parts),
		cmocka_unit_test(a_cut_link_comes_back),
		cmocka_unit_test(large_bodies_both_ways),
		cmocka_unit_test(a_stranger_does_not_get_in),
		cmocka_unit_test(an_unknown_parent_is_not_trusted),
		cmocka_unit_test(another_parent_is_not_taken),
		cmocka_unit_test(a_name_needs_its_key),
		cmocka_unit_test(garbage_is_hung_up_on),
		cmocka_unit_test(loiterers_are_pushed_out),
		cmocka_unit_test(a_name_is_resolved),
		cmocka_unit_test(a_second_boot_raises_an_alarm),
		cmocka_unit_test(another_lane_raises_none),
		cmocka_unit_test(a_revoked_key_loses_its_link),
		cmocka_unit_test(a_drain_waits_for_streams),
		cmocka_unit_test(a_dialler_drains_and_stays_away),
		cmocka_unit_test(a_link_may_be_freed_by_its_own_callback),
	};

	signal(SIGPIPE, SIG_IGN);
	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
