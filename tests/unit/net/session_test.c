/* Packets on their way, liveness, drain, messages, frames out of place. */
#include "common/base/stat.h"
#include "common/net/session.h"
#include "tests/unit/net/pair.h"

enum tampering { FLIP, DROP, TWICE, SWAP, INSERT, CUT, KINDS };

/* Do to packet number p->at of p->aim what p->kind says. */
static void
tamper(struct pair *p, struct party *from, size_t index, struct slice packet,
    struct buf *arrives)
{
	struct buf *b = arrives;

	if (from != p->aim || index < p->at || index > p->at + 1) {
		buf_put_slice(b, packet);
		return;
	}
	if (index == p->at + 1) {
		buf_put_slice(b, packet);
		if (p->kind == SWAP)
			buf_put_slice(b, buf_slice(&p->kept));
		return;
	}
	switch (p->kind) {
	case FLIP:
		buf_put_slice(b, packet);
		b->data[b->len - packet.len / 2] ^= 1;
		break;
	case DROP:
		break;
	case TWICE:
		buf_put_slice(b, packet);
		buf_put_slice(b, packet);
		break;
	case SWAP:
		buf_put_slice(&p->kept, packet);
		break;
	case INSERT:
		buf_put(b, "\0\0\0\x20garbage garbage garbage garbage", 36);
		buf_put_slice(b, packet);
		break;
	case CUT:
		buf_put(b, packet.ptr, packet.len - 5);
		break;
	}
}

/* One request and its answer in several packets; nobody minds refusals. */
static void
play(struct pair *p)
{
	struct flow *f, *g;

	pair_run(p);
	if (p->child.s->state != SESSION_UP)
		return;
	f = pair_ask(p, "one", 100, false);
	pair_run(p);
	if (p->child.s->state != SESSION_UP)
		return;
	stream_end(f->stream, slice_of(""));
	pair_run(p);
	if (p->parent.flow_count == 0 || p->parent.s->state != SESSION_UP)
		return;
	g = &p->parent.flows[0];
	stream_accept(g->stream);
	pair_run(p);
	if (p->parent.s->state != SESSION_UP)
		return;
	stream_head(g->stream, 200, slice_of("text/plain"), 0);
	assert_int_equal(stream_send(g->stream, slice_of("answer")), 6);
	pair_run(p);
	if (p->parent.s->state != SESSION_UP)
		return;
	session_send(p->child.s, LINK_ACK, slice_of("ack"));
	stream_end(g->stream, slice_of("receipt"));
	pair_run(p);
}

/* What side `y` was told before packet `at` of the other came to it. */
static size_t effects_before[2][64];

static void
note_effects(struct pair *p, struct party *from, size_t index,
    struct slice packet, struct buf *arrives)
{
	assert_true(index < 63);
	effects_before[from == &p->child][index] = pair_other(from)->effects;
	buf_put_slice(arrives, packet);
	effects_before[from == &p->child][index + 1] = SIZE_MAX;
}

/* The kinds that show with the packet itself, not with the next. */
static bool
shows_at_once(int kind)
{
	return kind == FLIP || kind == TWICE || kind == INSERT;
}

/* One play with one packet tampered with; was it noticed? */
static bool
play_tampered(int side, size_t at, int kind)
{
	struct pair *p = pair_new();
	struct party *victim;
	/* Twice: the first one is good. */
	size_t most = kind == TWICE ? SIZE_MAX : effects_before[side][at];
	bool noticed;

	p->aim = side == 1 ? &p->child : &p->parent;
	p->between = tamper;
	p->kind = kind;
	p->at = at;
	victim = pair_other(p->aim);
	play(p);
	noticed = victim->s->state == SESSION_OVER;
	assert_true(noticed || !shows_at_once(kind));
	assert_true(noticed || p->aim->sent <= at + 1);
	assert_true(victim->effects <= most);
	pair_free(p);
	return noticed;
}

/*
 * Each kind of tampering, with each packet of either side: the receiver ends
 * the session and acts on nothing from that packet on.
 */
static void
no_packet_can_be_tampered_with(void **state)
{
	size_t sent[2], at;
	int kind, side, noticed = 0;
	struct pair *p = pair_new();

	(void)state;
	p->between = note_effects;
	play(p);
	assert_int_equal(p->child.flows[0].dones, 1);
	sent[0] = p->parent.sent;
	sent[1] = p->child.sent;
	pair_free(p);
	for (kind = 0; kind < KINDS; kind++)
		for (side = 0; side < 2; side++) {
			/* After the last packet nothing would tell. */
			size_t end = sent[side] - !shows_at_once(kind);

			for (at = 0; at < end; at++)
				noticed += play_tampered(side, at, kind);
		}
	assert_true(noticed > 50);
}

static void
a_bad_last_frame_undoes_the_packet(void **state)
{
	struct pair *p = pair_up();
	struct frame f[3] = { { .type = FRAME_CATALOG },
		{ .type = FRAME_CATALOG }, { .type = FRAME_CREDIT } };
	uint64_t violations = stat_get(STAT_LINK_VIOLATIONS);

	(void)state;
	f[0].as.catalog.bytes = slice_of("a");
	f[1].as.catalog.bytes = slice_of("b");
	f[2].as.credit.bytes = 0; /* out of bounds */
	pair_forge(p, &p->parent, f, 2);
	assert_int_equal(p->child.messages, 2);
	pair_forge(p, &p->parent, f, 3);
	assert_int_equal(p->child.messages, 2);
	assert_int_equal(p->child.s->state, SESSION_OVER);
	assert_int_equal(stat_get(STAT_LINK_VIOLATIONS), violations + 1);
	pair_free(p);
}

static void
frames_go_their_way_only(void **state)
{
	struct frame catalog = { .type = FRAME_CATALOG };
	struct frame ack = { .type = FRAME_ACK };
	struct frame accepted = { .type = FRAME_ACCEPTED };
	struct pair *p = pair_up();
	size_t before = p->parent.effects;

	(void)state;
	catalog.as.catalog.bytes = slice_of("x");
	ack.as.ack.bytes = slice_of("x");
	accepted.as.accepted.stream = 1;
	pair_forge(p, &p->child, &catalog, 1);
	assert_refused(&p->parent, before);
	pair_forge(p, &p->parent, &ack, 1);
	assert_refused(&p->child, before);
	pair_free(p);
	p = pair_up();
	pair_forge(p, &p->child, &accepted, 1);
	assert_refused(&p->parent, before);
	pair_free(p);
}

/* A packet of one frame [number, 0]. */
static void
forge_unknown(struct pair *p, int64_t number)
{
	struct packet packet;
	struct buf out;

	buf_init(&out, 1000);
	packet_start(&packet, &out);
	pack_array(&out, 2);
	pack_int(&out, number);
	pack_int(&out, 0);
	packet.frames = 1;
	packet_finish(&packet, &p->child.s->out_way);
	pair_feed(p, &p->parent, buf_slice(&out));
	buf_fini(&out);
}

static void
some_unknown_frames_are_passed_over(void **state)
{
	struct pair *p = pair_up();
	int i;

	(void)state;
	for (i = 0; i < 16; i++)
		forge_unknown(p, 100);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	p->now_us += 61 * (int64_t)US_PER_SECOND;
	for (i = 0; i < 16; i++)
		forge_unknown(p, 101);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	forge_unknown(p, 102);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
	p = pair_up();
	forge_unknown(p, 63);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
}

static void
a_ping_measures_the_way(void **state)
{
	struct pair *p = pair_up();
	int64_t next;

	(void)state;
	next = session_tick(p->child.s, p->now_us); /* the first one */
	assert_true(pair_carry(p, &p->child));
	p->now_us += 7 * US_PER_MS;
	assert_true(pair_carry(p, &p->parent));
	assert_int_equal(p->child.s->rtt_us, 7 * US_PER_MS);
	next = session_tick(p->child.s, p->now_us) - p->now_us;
	assert_true(next >= 8 * US_PER_SECOND && next <= 12 * US_PER_SECOND);
	/* Nothing is sent before its time. */
	p->now_us += next - 1;
	assert_true(session_tick(p->child.s, p->now_us) > p->now_us);
	assert_false(pair_carry(p, &p->child));
	p->now_us += 1;
	session_tick(p->child.s, p->now_us);
	assert_true(pair_carry(p, &p->child));
	pair_free(p);
}

/* A link that is never silent has its way measured, too. */
static void
a_busy_link_is_measured(void **state)
{
	struct pair *p = pair_up();
	int64_t began_us = p->now_us;

	(void)state;
	session_tick(p->child.s, p->now_us);
	pair_carry(p, &p->child);
	pair_carry(p, &p->parent);
	while (p->now_us - began_us < 29 * US_PER_SECOND) {
		p->now_us += US_PER_SECOND;
		session_send(p->parent.s, LINK_CAPACITY, slice_of("busy"));
		pair_carry(p, &p->parent);
		session_tick(p->child.s, p->now_us);
		assert_false(pair_carry(p, &p->child));
	}
	p->now_us += US_PER_SECOND;
	session_tick(p->child.s, p->now_us);
	assert_true(pair_carry(p, &p->child));
	p->now_us += 5 * US_PER_MS;
	pair_carry(p, &p->parent);
	assert_int_equal(p->child.s->rtt_us, 5 * US_PER_MS);
	pair_free(p);
}

/* A peer that only answers is asked again in time, from the beginning on. */
static void
a_quiet_peer_is_kept_by_its_pongs(void **state)
{
	struct pair *p = pair_up();
	int64_t end_us = p->now_us + 600 * US_PER_SECOND, next, pings = 0;

	(void)state;
	while (p->now_us < end_us) {
		next = session_tick(p->child.s, p->now_us);
		assert_int_equal(p->child.s->state, SESSION_UP);
		assert_true(next > p->now_us);
		if (pair_carry(p, &p->child)) {
			pings++;
			p->now_us += 10 * pings * US_PER_MS;
			assert_true(pair_carry(p, &p->parent));
		}
		assert_true(next - p->now_us <= 12 * US_PER_SECOND);
		p->now_us = max_i64(p->now_us, next);
	}
	assert_true(pings >= 45);
	pair_free(p);
}

static void
a_silent_peer_is_dead_after_30_s(void **state)
{
	struct pair *p = pair_up();
	int64_t began_us = p->now_us, next = p->now_us;
	int ticks = 0;

	(void)state;
	while (p->child.s->state == SESSION_UP && ticks++ < 10) {
		next = session_tick(p->child.s, next);
		session_fill(p->child.s, next);
		buf_reset(&p->child.s->out);
	}
	assert_int_equal(p->child.s->state, SESSION_OVER);
	assert_int_equal(next - began_us, 30 * US_PER_SECOND);
	pair_free(p);
}

static void
too_many_pings_end_it(void **state)
{
	struct pair *p = pair_up();
	struct frame f = { .type = FRAME_PING };
	int i;

	(void)state;
	for (i = 0; i < 64; i++)
		pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	/* Answering makes room again. */
	assert_true(pair_carry(p, &p->parent));
	for (i = 0; i < 64; i++)
		pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	pair_forge(p, &p->child, &f, 1);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
}

static void
a_drain_lets_streams_finish(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = pair_ask(p, "one", 0, true);

	(void)state;
	pair_run(p);
	session_drain(p->parent.s, "shutting down");
	/* One that crosses the first step is refused, not a fault. */
	assert_non_null(pair_ask(p, "two", 0, true));
	pair_run(p);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	assert_int_equal(p->parent.s->goaway_sent, 2);
	assert_int_equal(p->child.flows[1].throttled, 1);
	assert_string_equal(p->child.flows[1].reason, "shutting-down");
	assert_null(pair_ask(p, "three", 0, true));
	assert_false(session_drained(p->parent.s));
	stream_end(p->parent.flows[0].stream, slice_of("receipt"));
	pair_run(p);
	assert_int_equal(f->dones, 1);
	assert_true(session_drained(p->parent.s));
	pair_free(p);
}

/* A PONG for an earlier PING says nothing of the first step. */
static void
the_second_step_waits_for_its_pong(void **state)
{
	struct pair *p = pair_up();
	struct frame pong = { .type = FRAME_PONG };

	(void)state;
	session_tick(p->parent.s, p->now_us);        /* PING 1 */
	session_drain(p->parent.s, "shutting down"); /* PING 2 */
	pong.as.pong.token = 1;
	pair_forge(p, &p->child, &pong, 1);
	assert_int_equal(p->parent.s->goaway_sent, 1);
	pong.as.pong.token = 2;
	pair_forge(p, &p->child, &pong, 1);
	assert_int_equal(p->parent.s->goaway_sent, 2);
	pair_free(p);
}

static void
an_open_after_the_second_goaway_is_a_fault(void **state)
{
	struct pair *p = pair_up();

	(void)state;
	session_drain(p->parent.s, "shutting down");
	pair_run(p);
	p->child.s->goaway_got = 0;
	assert_non_null(pair_ask(p, "one", 0, true));
	pair_run(p);
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
}

static void
a_child_drains_as_well(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = pair_ask(p, "one", 0, true);

	(void)state;
	pair_run(p);
	session_drain(p->child.s, "shutting down");
	pair_run(p);
	assert_null(pair_ask(p, "two", 0, true));
	assert_false(session_drained(p->child.s));
	stream_end(p->parent.flows[0].stream, slice_of(""));
	pair_run(p);
	assert_int_equal(f->dones, 1);
	assert_true(session_drained(p->child.s));
	pair_free(p);
}

static void
messages_of_any_size_arrive(void **state)
{
	static const size_t sizes[] = { 1, 16383, 16384, 16385, 65536, 1000000,
		LINK_MESSAGE_MAX };
	struct pair *p = pair_up();
	struct buf sent;
	size_t i;

	(void)state;
	buf_init(&sent, LINK_MESSAGE_MAX);
	for (i = 0; i < count_of(sizes); i++) {
		buf_reset(&sent);
		crypto_random(buf_room(&sent, sizes[i]), sizes[i]);
		buf_grow(&sent, sizes[i]);
		buf_reset(&p->child.heard);
		session_send(p->parent.s, LINK_CATALOG, buf_slice(&sent));
		pair_run(p);
		assert_int_equal(p->child.messages, i + 1);
		assert_true(
		    slice_eq(buf_slice(&sent), buf_slice(&p->child.heard)));
	}
	buf_fini(&sent);
	pair_free(p);
}

static void
forge_part(struct pair *p, enum frame_type type, int64_t left)
{
	struct frame f = { .type = type };

	f.as.catalog.left = left;
	f.as.catalog.bytes = slice_of("0123456789");
	pair_forge(p, &p->parent, &f, 1);
}

static void
parts_have_to_fit(void **state)
{
	struct pair *p = pair_up();

	(void)state;
	forge_part(p, FRAME_CATALOG, 20);
	forge_part(p, FRAME_CAPACITY, 0); /* a whole one may come between */
	forge_part(p, FRAME_CATALOG, 10);
	assert_int_equal(p->child.messages, 1);
	forge_part(p, FRAME_CATALOG, 0);
	assert_int_equal(p->child.messages, 2);
	forge_part(p, FRAME_CATALOG, 20);
	forge_part(p, FRAME_CATALOG, 11);
	assert_int_equal(p->child.s->state, SESSION_OVER);
	pair_free(p);
	p = pair_up();
	forge_part(p, FRAME_CATALOG, 20);
	forge_part(p, FRAME_CAPACITY, 20); /* a second one under way */
	assert_int_equal(p->child.s->state, SESSION_OVER);
	assert_int_equal(p->child.messages, 0);
	pair_free(p);
	p = pair_up();
	forge_part(p, FRAME_CATALOG, LINK_MESSAGE_MAX); /* 10 too many */
	assert_int_equal(p->child.s->state, SESSION_OVER);
	pair_free(p);
}

static void
a_peer_that_reads_nothing_is_left(void **state)
{
	struct pair *p = pair_up();
	static char bytes[LINK_MESSAGE_MAX];
	int i;

	(void)state;
	for (i = 0; i < 4; i++)
		session_send(p->parent.s, LINK_CATALOG,
		    slice_make(bytes, sizeof(bytes)));
	assert_int_equal(p->parent.s->state, SESSION_UP);
	session_send(p->parent.s, LINK_CATALOG, slice_of("x"));
	assert_int_equal(p->parent.s->state, SESSION_OVER);
	pair_free(p);
}

static void
a_twin_is_told(void **state)
{
	struct pair *p = pair_up();

	(void)state;
	session_send_twin(p->parent.s);
	pair_run(p);
	assert_int_equal(p->child.twins, 1);
	assert_int_equal(p->parent.twins, 0);
	pair_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_packet_can_be_tampered_with),
		cmocka_unit_test(a_bad_last_frame_undoes_the_packet),
		cmocka_unit_test(frames_go_their_way_only),
		cmocka_unit_test(some_unknown_frames_are_passed_over),
		cmocka_unit_test(a_ping_measures_the_way),
		cmocka_unit_test(a_busy_link_is_measured),
		cmocka_unit_test(a_quiet_peer_is_kept_by_its_pongs),
		cmocka_unit_test(a_silent_peer_is_dead_after_30_s),
		cmocka_unit_test(too_many_pings_end_it),
		cmocka_unit_test(a_drain_lets_streams_finish),
		cmocka_unit_test(the_second_step_waits_for_its_pong),
		cmocka_unit_test(an_open_after_the_second_goaway_is_a_fault),
		cmocka_unit_test(a_child_drains_as_well),
		cmocka_unit_test(messages_of_any_size_arrive),
		cmocka_unit_test(parts_have_to_fit),
		cmocka_unit_test(a_peer_that_reads_nothing_is_left),
		cmocka_unit_test(a_twin_is_told),
	};

	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
