/* Streams between two sessions: credit, cancelling, floods, order. */
#include "common/net/slot.h"
#include "tests/unit/net/pair.h"

static char bytes[STREAM_QUEUE_MAX];

/* The pair up, and the n-th question with the parent. */
static struct flow *
asked(struct pair *p, size_t body, bool end)
{
	struct flow *f = pair_ask(p, "envelope", body, end);

	assert_non_null(f);
	pair_run(p);
	return f;
}

static struct flow *
last_of(struct party *y)
{
	return &y->flows[y->flow_count - 1];
}

static void
an_answer_in_order(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = asked(p, 300, true), *g = last_of(&p->parent);

	(void)state;
	assert_int_equal(g->got.len, 300);
	assert_int_equal(g->dones, 1);
	stream_accept(g->stream);
	stream_head(g->stream, 200, slice_of("text/plain"), -1);
	stream_send(g->stream, slice_of("hello "));
	pair_run(p);
	assert_int_equal(f->accepted, 1);
	assert_int_equal(f->heads, 1);
	assert_int_equal(f->dones, 0);
	stream_send(g->stream, slice_of("there"));
	stream_end(g->stream, slice_of("receipt"));
	pair_run(p);
	assert_true(slice_is(buf_slice(&f->got), "hello there"));
	assert_int_equal(f->dones, 1);
	assert_int_equal(p->child.messages, 1);
	assert_int_equal(p->child.last_type, LINK_RECEIPT);
	assert_int_equal(p->child.s->slots, 0);
	assert_int_equal(p->parent.s->slots, 0);
	pair_free(p);
}

/* One packet holds the whole question, so one signature and one write. */
static void
a_turn_is_one_packet(void **state)
{
	struct pair *p = pair_up();
	size_t before = p->child.sent;
	int i;

	(void)state;
	for (i = 0; i < 64; i++)
		pair_ask(p, "envelope", 100, true);
	pair_run(p);
	assert_int_equal(p->child.sent, before + 1);
	assert_int_equal(p->parent.flow_count, 64);
	assert_int_equal(p->parent.flows[63].dones, 1);
	pair_free(p);
}

static void
an_answer_before_the_question_ends(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = asked(p, 300, false), *g = last_of(&p->parent);

	(void)state;
	stream_end(g->stream, slice_of(""));
	pair_run(p);
	assert_int_equal(f->dones, 1);
	/* The child says CANCEL by itself; the server is not told: it ended. */
	assert_int_equal(g->cancels + g->dones, 0);
	assert_int_equal(p->child.s->slots + p->parent.s->slots, 0);
	pair_free(p);
}

static void
a_refusal_frees_both_slots(void **state)
{
	struct pair *p = pair_up();
	struct flow *f, *g;

	(void)state;
	p->parent.lazy = true;
	f = asked(p, 300, false);
	g = last_of(&p->parent);
	stream_refuse(g->stream, slice_of("overloaded"), 5);
	assert_int_equal(p->parent.s->slots, 1); /* until the child's last */
	pair_run(p);
	assert_int_equal(f->throttled, 1);
	assert_string_equal(f->reason, "overloaded");
	assert_int_equal(f->dones + f->cancels, 0);
	assert_int_equal(p->child.s->slots + p->parent.s->slots, 0);
	pair_free(p);
}

static void
a_cancel_keeps_its_slot_till_answered(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = asked(p, 300, true), *g = last_of(&p->parent);

	(void)state;
	stream_send(g->stream, slice_make(bytes, 1000));
	stream_cancel(f->stream);
	assert_int_equal(p->child.s->slots, 1);
	assert_true(pair_carry(p, &p->child));
	assert_int_equal(g->cancels, 1);
	assert_int_equal(p->parent.s->slots, 0);
	assert_int_equal(p->child.s->slots, 1);
	pair_run(p);
	assert_int_equal(p->child.s->slots, 0);
	assert_int_equal(f->got.len + (size_t)f->dones + (size_t)f->cancels, 0);
	pair_free(p);
}

static void
a_cancel_before_open_leaves_no_trace(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = pair_ask(p, "envelope", 100, true);

	(void)state;
	stream_cancel(f->stream);
	assert_int_equal(p->child.s->slots, 0);
	pair_run(p);
	assert_int_equal(p->parent.flow_count, 0);
	pair_free(p);
}

static void
a_server_that_gives_up(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = asked(p, 300, true), *g = last_of(&p->parent);

	(void)state;
	stream_send(g->stream, slice_make(bytes, 1000));
	pair_run(p);
	stream_cancel(g->stream);
	pair_run(p);
	assert_int_equal(f->got.len, 1000);
	assert_int_equal(f->cancels, 1);
	assert_int_equal(p->child.s->slots + p->parent.s->slots, 0);
	pair_free(p);
}

/* CANCEL and END pass each other. */
static void
a_cancel_that_crosses_the_end(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = asked(p, 300, true), *g = last_of(&p->parent);

	(void)state;
	stream_cancel(f->stream);
	stream_end(g->stream, slice_of("receipt"));
	session_fill(p->child.s, p->now_us);
	session_fill(p->parent.s, p->now_us);
	pair_run(p);
	assert_int_equal(p->child.s->state, SESSION_UP);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	assert_int_equal(p->child.s->slots + p->parent.s->slots, 0);
	assert_int_equal(p->child.messages, 1);
	assert_int_equal(f->dones + f->cancels, 0);
	pair_free(p);
}

/* The answer cannot leave, the child gives up: the receipt goes alone. */
static void
a_receipt_survives_a_cancel(void **state)
{
	struct pair *p = pair_up();
	struct flow *f, *g;

	(void)state;
	p->child.hold = true;
	f = asked(p, 300, true);
	g = last_of(&p->parent);
	stream_send(g->stream, slice_make(bytes, sizeof(bytes)));
	pair_run(p);
	stream_send(g->stream, slice_make(bytes, 1000));
	stream_end(g->stream, slice_of("receipt"));
	pair_run(p);
	assert_int_equal(p->child.messages, 0);
	stream_cancel(f->stream);
	pair_run(p);
	assert_int_equal(p->child.messages, 1);
	assert_true(slice_is(buf_slice(&p->child.heard), "receipt"));
	assert_int_equal(p->child.s->slots + p->parent.s->slots, 0);
	pair_free(p);
}

static void
a_server_may_serve_later_in_the_turn(void **state)
{
	struct pair *p = pair_up();
	struct flow *g;

	(void)state;
	p->parent.lazy = true;
	pair_ask(p, "envelope", 300, true);
	assert_true(pair_carry(p, &p->child));
	g = last_of(&p->parent);
	assert_int_equal(g->got.len, 0);
	stream_serve(g->stream, &pair_stream_events, g);
	assert_int_equal(g->got.len, 0); /* no call calls back */
	pair_run(p);
	assert_int_equal(g->got.len, 300);
	assert_int_equal(g->dones, 1);
	stream_end(g->stream, slice_of(""));
	pair_run(p);
	assert_int_equal(p->child.flows[0].dones, 1);
	pair_free(p);
}

static void
a_cancel_before_it_was_served(void **state)
{
	struct pair *p = pair_up();
	struct flow *f, *g;

	(void)state;
	p->parent.lazy = true;
	f = asked(p, 300, true);
	g = last_of(&p->parent);
	stream_cancel(f->stream);
	assert_true(pair_carry(p, &p->child));
	stream_serve(g->stream, &pair_stream_events, g);
	stream_accept(g->stream);
	pair_run(p);
	assert_int_equal(g->cancels, 1);
	assert_int_equal(p->child.s->slots + p->parent.s->slots, 0);
	pair_free(p);
}

/* Who takes nothing gets no more than the stream's credit. */
static void
a_slow_reader_stops_the_sender(void **state)
{
	struct pair *p = pair_up();
	struct flow *f, *g;
	size_t sent;

	(void)state;
	p->child.hold = true;
	f = asked(p, 0, true);
	g = last_of(&p->parent);
	sent = stream_send(g->stream, slice_make(bytes, sizeof(bytes)));
	assert_int_equal(sent, STREAM_QUEUE_MAX);
	pair_run(p);
	sent = stream_send(g->stream, slice_make(bytes, sizeof(bytes)));
	assert_int_equal(sent, STREAM_QUEUE_MAX);
	assert_int_equal(stream_send(g->stream, slice_make(bytes, 1)), 0);
	pair_run(p);
	assert_int_equal(f->got.len, STREAM_CREDIT);
	assert_int_equal(g->rooms, 0);
	stream_taken(f->stream, STREAM_CREDIT / 2);
	pair_run(p);
	assert_int_equal(f->got.len, STREAM_CREDIT * 3 / 2);
	assert_int_equal(g->rooms, 1);
	pair_free(p);
}

static void
a_stuck_stream_does_not_stop_others(void **state)
{
	struct pair *p = pair_up();
	struct flow *stuck[200], *f, *g;
	size_t i, total = 0, sent;

	(void)state;
	p->child.hold = true;
	for (i = 0; i < count_of(stuck); i++)
		stuck[i] = asked(p, 0, true);
	for (i = 0; i < count_of(stuck); i++)
		while (stream_send(p->parent.flows[i].stream,
			   slice_make(bytes, sizeof(bytes))) > 0)
			pair_run(p);
	/* More than the link's credit lies at the child, and more waits. */
	for (i = 0; i < count_of(stuck); i++)
		total += stuck[i]->got.len;
	assert_int_equal(total, count_of(stuck) * STREAM_CREDIT);
	assert_true(total > SESSION_CREDIT);
	p->child.hold = false;
	f = asked(p, 1000, true);
	g = last_of(&p->parent);
	for (total = 0; total < 4 * SESSION_CREDIT; total += sent) {
		sent = stream_send(g->stream, slice_make(bytes, sizeof(bytes)));
		pair_run(p);
	}
	stream_end(g->stream, slice_of(""));
	pair_run(p);
	assert_int_equal(f->dones, 1);
	assert_int_equal(f->got.len, total);
	pair_free(p);
}

/* More waits than the link's credit: it stops there, and goes on. */
static void
the_link_has_a_credit_of_its_own(void **state)
{
	struct pair *p = pair_up();
	struct buf on_the_way;
	size_t i, total = 0;

	(void)state;
	buf_init(&on_the_way, 2 * SESSION_CREDIT);
	for (i = 0; i < 20; i++)
		asked(p, 0, true);
	for (i = 0; i < 20; i++)
		assert_int_equal(stream_send(p->parent.flows[i].stream,
				     slice_make(bytes, sizeof(bytes))),
		    sizeof(bytes));
	while (session_fill(p->parent.s, p->now_us)) {
		buf_put_slice(&on_the_way, buf_slice(&p->parent.s->out));
		buf_reset(&p->parent.s->out);
	}
	assert_int_equal(p->parent.s->send_credit, 0);
	pair_feed(p, &p->child, buf_slice(&on_the_way));
	for (i = 0; i < 20; i++)
		total += p->child.flows[i].got.len;
	assert_int_equal(total, SESSION_CREDIT);
	pair_run(p);
	for (i = 0; i < 20; i++)
		assert_int_equal(p->child.flows[i].got.len, sizeof(bytes));
	buf_fini(&on_the_way);
	pair_free(p);
}

static void
streams_beyond_256_have_less_credit(void **state)
{
	struct pair *p = pair_up();
	struct flow *f;
	int i;

	(void)state;
	for (i = 0; i < 256; i++)
		assert_int_equal(asked(p, 0, false)->stream->window, 65536);
	f = asked(p, 0, false);
	assert_int_equal(f->stream->window, 16384);
	assert_int_equal(last_of(&p->parent)->stream->window, 16384);
	stream_cancel(p->child.flows[0].stream);
	stream_cancel(p->child.flows[1].stream);
	pair_run(p);
	assert_int_equal(asked(p, 0, false)->stream->window, 65536);
	pair_free(p);
}

static void
no_more_than_1024_streams(void **state)
{
	struct pair *p = pair_up();
	int i;

	(void)state;
	for (i = 0; i < SESSION_STREAMS; i++)
		assert_non_null(pair_ask(p, "envelope", 10, true));
	p->child.flow_count--;
	assert_null(pair_ask(p, "envelope", 10, true));
	p->child.flow_count -= 1;
	pair_run(p);
	assert_int_equal(p->parent.flow_count, SESSION_STREAMS);
	assert_int_equal(p->child.s->slots, SESSION_STREAMS);
	stream_end(p->parent.flows[0].stream, slice_of(""));
	pair_run(p);
	assert_non_null(pair_ask(p, "envelope", 10, true));
	pair_run(p);
	assert_int_equal(p->parent.s->state, SESSION_UP);
	pair_free(p);
}

static void
a_lost_link_ends_all_streams_once(void **state)
{
	struct pair *p = pair_up();
	struct flow *f = asked(p, 10, true), *g = last_of(&p->parent);
	struct flow *cancelled = asked(p, 10, true);

	(void)state;
	stream_cancel(cancelled->stream);
	session_stop(p->child.s, "cut");
	session_stop(p->parent.s, "cut");
	/* Calls in between come to nothing. */
	assert_int_equal(stream_send(g->stream, slice_make(bytes, 10)), 10);
	stream_head(g->stream, 200, slice_of(""), 0);
	session_lose(p->child.s);
	session_lose(p->parent.s);
	assert_int_equal(f->losts, 1);
	assert_int_equal(g->losts, 1);
	assert_int_equal(cancelled->losts, 0);
	assert_null(pair_ask(p, "envelope", 0, true));
	pair_free(p);
}

/* Bytes of a flow: each place has its own value. */
static char
byte_at(size_t flow, size_t at)
{
	return (char)(flow * 31 + at * 7 + at / 251);
}

static uint32_t
roll(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % below;
}

#define RACERS 40

static size_t
send_more(struct flow *f, size_t flow, size_t at, size_t n)
{
	char part[5000];
	size_t i;

	for (i = 0; i < n; i++)
		part[i] = byte_at(flow, at + i);
	return stream_send(f->stream, slice_make(part, n));
}

static void
check_bytes(const struct flow *f, size_t flow, size_t len)
{
	size_t i;

	assert_int_equal(f->got.len, len);
	for (i = 0; i < len; i++)
		assert_int_equal((char)f->got.data[i], byte_at(flow, i));
}

/*
 * Many streams send both ways in random pieces, are read at random times and
 * fed in random chunks: every byte arrives once and in order.
 */
static void
all_bytes_arrive_in_order(void **state)
{
	size_t up[RACERS] = { 0 }, down[RACERS] = { 0 };
	struct pair *p = pair_up();
	uint32_t seed = 5;
	size_t i;
	int step;

	(void)state;
	p->child.hold = p->parent.hold = true;
	for (i = 0; i < RACERS; i++)
		asked(p, 0, false);
	for (step = 0; step < 20000; step++) {
		struct flow *f, *g;

		i = roll(&seed, RACERS);
		f = &p->child.flows[i];
		g = &p->parent.flows[i];
		up[i] += send_more(f, i, up[i], roll(&seed, 5000));
		down[i] += send_more(g, i, down[i], roll(&seed, 5000));
		i = roll(&seed, RACERS);
		f = &p->child.flows[i];
		g = &p->parent.flows[i];
		stream_taken(f->stream, f->stream->untaken);
		stream_taken(g->stream, g->stream->untaken / 2);
		p->chunk = 1 + roll(&seed, 3000);
		if (roll(&seed, 4) == 0)
			pair_carry(p, &p->child);
		if (roll(&seed, 4) == 0)
			pair_carry(p, &p->parent);
		session_tell(p->child.s);
		session_tell(p->parent.s);
	}
	p->chunk = 0;
	for (i = 0; i < RACERS; i++)
		stream_end(p->child.flows[i].stream, slice_of(""));
	/* Read on until all is through. */
	for (step = 0; step < 100; step++) {
		pair_run(p);
		for (i = 0; i < RACERS; i++) {
			struct stream *f = p->child.flows[i].stream;
			struct stream *g = p->parent.flows[i].stream;

			stream_taken(f, f->untaken);
			stream_taken(g, g->untaken);
		}
	}
	for (i = 0; i < RACERS; i++) {
		assert_int_equal(p->parent.flows[i].dones, 1);
		check_bytes(&p->parent.flows[i], i, up[i]);
		check_bytes(&p->child.flows[i], i, down[i]);
		stream_end(p->parent.flows[i].stream, slice_of(""));
	}
	pair_run(p);
	assert_int_equal(p->child.s->slots + p->parent.s->slots, 0);
	/* No credit was lost: all of it is back but what is below a step. */
	assert_true(p->child.s->send_credit > SESSION_CREDIT * 3 / 4);
	assert_true(p->parent.s->send_credit > SESSION_CREDIT * 3 / 4);
	pair_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_in_order),
		cmocka_unit_test(a_turn_is_one_packet),
		cmocka_unit_test(an_answer_before_the_question_ends),
		cmocka_unit_test(a_refusal_frees_both_slots),
		cmocka_unit_test(a_cancel_keeps_its_slot_till_answered),
		cmocka_unit_test(a_cancel_before_open_leaves_no_trace),
		cmocka_unit_test(a_server_that_gives_up),
		cmocka_unit_test(a_cancel_that_crosses_the_end),
		cmocka_unit_test(a_receipt_survives_a_cancel),
		cmocka_unit_test(a_server_may_serve_later_in_the_turn),
		cmocka_unit_test(a_cancel_before_it_was_served),
		cmocka_unit_test(a_slow_reader_stops_the_sender),
		cmocka_unit_test(a_stuck_stream_does_not_stop_others),
		cmocka_unit_test(the_link_has_a_credit_of_its_own),
		cmocka_unit_test(streams_beyond_256_have_less_credit),
		cmocka_unit_test(no_more_than_1024_streams),
		cmocka_unit_test(a_lost_link_ends_all_streams_once),
		cmocka_unit_test(all_bytes_arrive_in_order),
	};

	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
