#include "tests/unit/store/fixture.h"

#include "common/store/dossier.h"

struct told {
	char text[256];
};

static void
note(void *arg, const struct attempt_row *row)
{
	struct told *t = arg;
	size_t len = strlen(t->text);

	snprintf(t->text + len, sizeof(t->text) - len, "%lld:%.*s ",
	    (long long)row->number, SLICE_FMT(row->state));
}

static void
assert_request(struct fixture *f, const struct id *id, const char *state,
    const char *target)
{
	struct request_row row;
	struct buf bytes;

	buf_init(&bytes, ROW_BYTES_MAX);
	assert_true(dossier_request(f->ledger, id, &bytes, &row));
	assert_true(slice_is(row.state, state));
	assert_true(slice_is(row.target, target));
	assert_int_equal(dossier_is_open(row.state),
	    strcmp(state, "open") == 0);
	buf_fini(&bytes);
}

static void
assert_attempts(struct fixture *f, const struct id *id, const char *expected)
{
	struct told told = { "" };

	dossier_attempts(f->ledger, id, note, &told);
	assert_string_equal(told.text, expected);
}

/* Two attempts, each stage of them looked at. */
static void
test_it_follows_a_request(void **state)
{
	struct fixture f;
	struct id id, other;
	struct request_row request;
	struct attempt_row first, second;
	struct buf bytes;

	(void)state;
	fixture_new(&f);
	buf_init(&bytes, ROW_BYTES_MAX);
	id = id_next(&f.ids, 1000000);
	assert_false(dossier_request(f.ledger, &id, &bytes, &request));
	request = request_sample(id, "open");
	request.target = slice_of("own/one");
	first = attempt_sample(id, 1, "open");
	ledger_intend(f.turn, &request, &first);
	other = id_next(&f.ids, 1000000);
	fixture_turn(&f);
	assert_request(&f, &id, "open", "own/one");
	assert_attempts(&f, &id, "1:open ");

	first.state = slice_of("settled");
	ledger_settle(f.turn, &request, &first);
	fixture_turn(&f);
	assert_request(&f, &id, "open", "own/one");
	assert_attempts(&f, &id, "1:settled ");

	request.target = slice_of("own/two");
	second = attempt_sample(id, 2, "open");
	ledger_intend(f.turn, &request, &second);
	fixture_turn(&f);
	assert_request(&f, &id, "open", "own/two");
	assert_attempts(&f, &id, "1:settled 2:open ");

	request.state = second.state = slice_of("settled");
	ledger_settle(f.turn, &request, &second);
	fixture_turn(&f);
	assert_request(&f, &id, "settled", "own/two");
	assert_attempts(&f, &id, "1:settled 2:settled ");

	assert_false(dossier_request(f.ledger, &other, &bytes, &request));
	assert_attempts(&f, &other, "");
	buf_fini(&bytes);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_it_follows_a_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
