/* Whole links between two members: requests, messages, cuts, drains. */
#include "tests/unit/net/lab.h"

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
