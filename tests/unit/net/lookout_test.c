#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/net/lookout.h"

#define ROOM 4

static const struct beacon_look parent = { .peer = "central",
	.dialled = true,
	.egress = true,
	.lane = 1 };

static struct beacon_look
only_look(struct lookout *lo)
{
	struct beacon_look looks[ROOM];

	assert_int_equal(lookout_links(lo, looks, ROOM), 1);
	return looks[0];
}

static void
a_link_tells_how_it_is(void **state)
{
	struct lookout *lo = lookout_new();
	struct beacon *s = lookout_add(lo, &parent);
	const struct beacon_figures figures = { .bytes_in = 7, .rtt_us = 3 };
	struct beacon_look up = parent, look = only_look(lo);
	int64_t down_since;

	(void)state;
	assert_int_equal(look.state, BEACON_CONNECTING);
	assert_string_equal(look.peer, "central");
	assert_true(look.since_us > 0);
	down_since = look.since_us;
	beacon_wait(s, 5000000, "cannot connect");
	beacon_dial(s);
	beacon_wait(s, 9000000, "closed by the peer");
	look = only_look(lo);
	assert_int_equal(look.state, BEACON_WAITING);
	assert_string_equal(look.why, "closed by the peer");
	assert_int_equal(look.downs, 0);
	/* Down for as long as it was never up. */
	assert_int_equal(look.since_us, down_since);
	assert_true(look.next_us >= down_since + 9000000);

	up.state = BEACON_UP;
	beacon_rise(s, &up);
	beacon_note(s, &figures);
	look = only_look(lo);
	assert_int_equal(look.state, BEACON_UP);
	assert_string_equal(look.why, "");
	assert_int_equal(look.figures.bytes_in, 7);
	assert_int_equal(look.figures.rtt_us, 3);
	beacon_free(s);
	assert_int_equal(lookout_links(lo, &look, 1), 0);
	lookout_free(lo);
}

static void
what_is_down_has_no_figures(void **state)
{
	struct lookout *lo = lookout_new();
	struct beacon *s = lookout_add(lo, &parent);
	const struct beacon_figures figures = { .streams = 2, .draining = 1 };
	struct beacon_look up = parent, look;

	(void)state;
	up.state = BEACON_UP;
	beacon_rise(s, &up);
	beacon_note(s, &figures);
	assert_int_equal(only_look(lo).state, BEACON_DRAINING);
	beacon_wait(s, 1, "drained");
	look = only_look(lo);
	assert_int_equal(look.state, BEACON_WAITING);
	assert_int_equal(look.figures.streams, 0);
	assert_int_equal(look.downs, 1);
	/* Nor has the next one those of the last. */
	beacon_rise(s, &up);
	look = only_look(lo);
	assert_int_equal(look.state, BEACON_UP);
	assert_int_equal(look.figures.streams, 0);
	assert_int_equal(look.downs, 1);
	beacon_free(s);
	lookout_free(lo);
}

static void
ends_are_counted_by_peer_and_cause(void **state)
{
	struct lookout *lo = lookout_new();
	struct beacon_end ends[LOOKOUT_ENDS_MAX];

	(void)state;
	lookout_end(lo, "a", false, "no");
	lookout_end(lo, "b", false, "no");
	lookout_end(lo, "a", false, "no");
	lookout_end(lo, "a", true, "cut");
	assert_int_equal(lookout_ends(lo, ends, false), 2);
	assert_string_equal(ends[0].peer, "b");
	assert_string_equal(ends[1].peer, "a");
	assert_int_equal(ends[1].count, 2);
	assert_int_equal(lookout_ends(lo, ends, true), 1);
	assert_string_equal(ends[0].why, "cut");
	lookout_free(lo);
}

/* Whoever knocks, there is an end to what is remembered. */
static void
the_oldest_ends_are_forgotten(void **state)
{
	struct lookout *lo = lookout_new();
	struct beacon_end ends[LOOKOUT_ENDS_MAX];
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < LOOKOUT_ENDS_MAX + 3; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		lookout_end(lo, name, false, "no");
	}
	assert_int_equal(lookout_ends(lo, ends, false), LOOKOUT_ENDS_MAX);
	assert_string_equal(ends[0].peer, "n3");
	assert_string_equal(ends[LOOKOUT_ENDS_MAX - 1].peer, name);
	lookout_free(lo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_tells_how_it_is),
		cmocka_unit_test(what_is_down_has_no_figures),
		cmocka_unit_test(ends_are_counted_by_peer_and_cause),
		cmocka_unit_test(the_oldest_ends_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
