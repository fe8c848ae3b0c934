#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "common/member/journal.h"
#include "tests/unit/member/listed.h"

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
listed(struct scene *s, const char *name, const char *value)
{
	return events_listed(s->store.ledger, LISTING_TEXT, name, value,
	    &s->out);
}

#define DAY "2026-09-21T14:13:"

/* A column that none of them fills is not shown. */
static void
a_table_is_no_wider_than_its_events(void **state)
{
	struct scene *s = *state;
	char expected[1024];

	disable(s);
	assert_string_equal(listed(s, NULL, NULL),
	    "at                    event            target  by        why\n" DAY
	    "20Z  target-disabled  a/b     operator  incident\n");
	shape(s);
	snprintf(expected, sizeof(expected),
	    "at                    event           request                    "
	    "     caller  by      why\n" DAY
	    "21Z  traffic-shaped  %s  ci      router  caller ci rpm refused, "
	    "waited 1.20 s, free in 340.0 ms\n",
	    s->name);
	assert_string_equal(listed(s, "kind", JOURNAL_SHAPED), expected);
}

static void
events_of_one_request_are_found(void **state)
{
	struct scene *s = *state;
	char other[4 + ID_TEXT_BYTES] = "req_";
	struct id id = id_next(&s->store.ids, AT);

	disable(s);
	shape(s);
	assert_non_null(strstr(listed(s, "request", s->name), s->name));
	assert_null(strstr(listed(s, "request", s->name + 4), "incident"));
	id_write(&id, other + 4);
	assert_null(strstr(listed(s, "request", other), "traffic-shaped"));
}

/* Nobody knows what later pages have. */
static void
a_long_table_has_all_columns(void **state)
{
	struct scene *s = *state;
	struct event_row row = { .at = AT, .kind = slice_of("overdraft") };
	struct listing l;

	listing_open(&l, ROW_EVENT, LISTING_TEXT, &s->out);
	listing_put(&l, &row);
	listing_flush(&l);
	row.caller = slice_of("somebody");
	listing_put(&l, &row);
	listing_close(&l);
	assert_non_null(strstr(buf_text(&s->out), "  target  request  caller"));
	assert_non_null(strstr(buf_text(&s->out), "  somebody"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    a_table_is_no_wider_than_its_events, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_table_has_all_columns,
		    setup, teardown),
		cmocka_unit_test_setup_teardown(events_of_one_request_are_found,
		    setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
