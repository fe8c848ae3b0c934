#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "common/member/journal.h"

#define OUT_MAX 65536
#define AT      INT64_C(1790000000000000)

struct scene {
	struct fixture store;
	struct id id;
	char name[4 + ID_TEXT_BYTES];
	struct buf out;
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	fixture_new(&s->store);
	buf_init(&s->out, OUT_MAX);
	s->id = id_next(&s->store.ids, AT);
	memcpy(s->name, "req_", 4);
	id_write(&s->id, s->name + 4);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	buf_fini(&s->out);
	fixture_free(&s->store);
	free(s);
	return 0;
}

static void
put(struct scene *s, const struct event_row *row)
{
	journal_put(s->store.turn, &s->store.ids, row);
	fixture_turn(&s->store);
}

static void
disable(struct scene *s)
{
	const struct event_row row = { .at = AT,
		.kind = slice_of(JOURNAL_DISABLED),
		.target = slice_of("a/b"),
		.detail = slice_of("incident"),
		.by = slice_of("operator") };

	put(s, &row);
}

static void
shape(struct scene *s)
{
	const struct event_row row = { .at = AT + US_PER_SECOND,
		.kind = slice_of(JOURNAL_SHAPED),
		.by = slice_of("router"),
		.request = s->id,
		.caller = slice_of("ci"),
		.group = slice_of("coding"),
		.bucket = slice_of("caller ci rpm"),
		.outcome = slice_of("refused"),
		.waited_us = 1200000,
		.retry_us = 340000 };

	put(s, &row);
}

static const char *
listed(struct scene *s, const struct journal_filter *filter)
{
	buf_reset(&s->out);
	journal_list(s->store.ledger, filter, OUTPUT_TEXT, &s->out);
	return buf_text(&s->out);
}

#define DAY "2026-09-21T14:13:"

/* A column that none of them fills is not shown. */
static void
a_table_is_no_wider_than_its_events(void **state)
{
	struct scene *s = *state;
	const struct journal_filter every = { .limit = 0 };
	const struct journal_filter shaped = { .kind =
						   slice_of(JOURNAL_SHAPED) };
	char expected[1024];

	disable(s);
	assert_string_equal(listed(s, &every),
	    "at                    event            target  by        why\n" DAY
	    "20Z  target-disabled  a/b     operator  incident\n");
	shape(s);
	snprintf(expected, sizeof(expected),
	    "at                    event           request                    "
	    "     caller  by      why\n" DAY
	    "21Z  traffic-shaped  %s  ci      router  caller ci rpm refused, "
	    "waited 1.20 s, free in 340.0 ms\n",
	    s->name);
	assert_string_equal(listed(s, &shaped), expected);
}

static void
events_of_one_request_are_found(void **state)
{
	struct scene *s = *state;
	struct journal_filter filter = { .limit = 0 };
	struct id other;

	disable(s);
	shape(s);
	assert_true(journal_request(slice_of(s->name), &filter.request));
	assert_non_null(strstr(listed(s, &filter), s->name));
	assert_null(strstr(listed(s, &filter), "incident"));
	assert_true(journal_request(slice_of(s->name + 4), &other));
	assert_memory_equal(&other, &s->id, sizeof(other));
	filter.request = id_next(&s->store.ids, AT);
	assert_null(strstr(listed(s, &filter), "traffic-shaped"));
	assert_false(journal_request(slice_of("req_1"), &other));
	assert_false(journal_request(slice_of(""), &other));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_table_is_no_wider_than_its_events, setup, teardown),
		cmocka_unit_test_setup_teardown(events_of_one_request_are_found,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
