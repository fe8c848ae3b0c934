#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/store/page.h"

#define OUT_MAX  (1 << 20)
#define REQUESTS 6
#define SECOND   INT64_C(1000000)
#define AT       (INT64_C(1790000000) * SECOND)

struct store {
	struct fixture f;
	struct id ids[REQUESTS];
	struct buf out;
};

/*
 * A second apart.  The even ones are alice's and succeed, the odd ones bob's
 * and fail; each has two attempts, and took as many seconds as its number.
 */
static void
put_request(struct store *s, int i)
{
	struct id id = id_next(&s->f.ids, AT + i * SECOND);
	struct request_row request = request_sample(id, "settled");
	struct attempt_row attempt;
	bool even = i % 2 == 0;
	int number;

	s->ids[i] = id;
	request.caller = slice_of(even ? "alice" : "bob");
	request.project = slice_of(even ? "checkout" : "fraud");
	request.status = even ? 200 : 503;
	request.fail = slice_of(even ? "" : "upstream-failed");
	request.total_us = i * SECOND;
	for (number = 1; number <= 2; number++) {
		attempt = attempt_sample(id, number, "settled");
		attempt.caller = request.caller;
		attempt.status = request.status;
		attempt.fail = request.fail;
		attempt.total_us = request.total_us;
		ledger_settle(s->f.turn, number == 1 ? &request : NULL,
		    &attempt);
	}
}

static int
setup(void **state)
{
	struct store *s = calloc(1, sizeof(*s));
	int i;

	fixture_new(&s->f);
	buf_init(&s->out, OUT_MAX);
	for (i = 0; i < REQUESTS; i++)
		put_request(s, i);
	fixture_turn(&s->f);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct store *s = *state;

	buf_fini(&s->out);
	fixture_free(&s->f);
	free(s);
	return 0;
}

static char
digit_of(const struct store *s, const struct id *id)
{
	int i;

	for (i = 0; i < REQUESTS; i++)
		if (memcmp(id, &s->ids[i], sizeof(*id)) == 0)
			return (char)('0' + i);
	return '?';
}

/* Of attempts each request is there twice. */
static void
note(const struct store *s, enum row_kind kind, const union search_row *row,
    char *seen)
{
	size_t n = strlen(seen);

	seen[n] = digit_of(s,
	    kind == ROW_REQUEST ? &row->request.id : &row->attempt.request);
	seen[n + 1] = '\0';
}

static void
take(struct wish *w, const char *name, const char *value)
{
	struct buf why;

	buf_init(&why, OUT_MAX);
	if (wish_take(w, slice_of(name), slice_of(value), &why) != WISH_TAKEN)
		fail_msg("%s=%s: %s", name, value, buf_text(&why));
	buf_fini(&why);
}

#define SEEN_MAX (4 * REQUESTS)

static void
assert_finds(struct store *s, enum row_kind kind, struct wish *w,
    const char *expected)
{
	const union search_row *row;
	char seen[SEEN_MAX] = "";
	struct search *search;

	w->kind = kind;
	search = search_new(s->f.ledger, w);
	while ((row = search_next(search, NULL)) != NULL)
		note(s, kind, row, seen);
	assert_false(search_failed(search));
	search_free(search);
	assert_string_equal(seen, expected);
}

static void
assert_word(struct store *s, const char *name, const char *value,
    const char *requests, const char *attempts)
{
	struct wish w;

	wish_init(&w, ROW_REQUEST);
	take(&w, name, value);
	assert_finds(s, ROW_REQUEST, &w, requests);
	wish_init(&w, ROW_ATTEMPT);
	take(&w, name, value);
	assert_finds(s, ROW_ATTEMPT, &w, attempts);
}

static void
test_words_choose_rows(void **state)
{
	struct store *s = *state;
	char name[4 + ID_TEXT_BYTES] = "req_", time[CLOCK_TEXT_BYTES];

	assert_word(s, "limit", "2", "54", "55");
	assert_word(s, "caller", "bob", "531", "553311");
	assert_word(s, "status", "200", "420", "442200");
	assert_word(s, "status", "5xx", "531", "553311");
	assert_word(s, "status", "4xx", "", "");
	assert_word(s, "fail", "any", "531", "553311");
	assert_word(s, "fail", "upstream-failed", "531", "553311");
	assert_word(s, "fail", "client-gone", "", "");
	assert_word(s, "group", "other", "", "");
	assert_word(s, "state", "settled", "543210", "554433221100");
	assert_word(s, "state", "interrupted", "", "");
	assert_word(s, "slow", "4s", "54", "5544");
	id_write(&s->ids[3], name + 4);
	assert_word(s, "before", name, "210", "221100");
	assert_word(s, "before", name + 4, "210", "221100");
	assert_word(s, "after", name, "54", "5544");
	assert_word(s, "request", name, "3", "33");
	clock_write(AT + 3 * SECOND, time);
	assert_word(s, "from", time, "543", "554433");
	assert_word(s, "to", time, "210", "221100");
	id_write(&s->ids[5], name + 4);
	assert_word(s, "after", name, "", "");
}

static void
test_words_go_together(void **state)
{
	struct store *s = *state;
	char late[CLOCK_TEXT_BYTES], early[CLOCK_TEXT_BYTES];
	struct wish w;

	clock_write(AT + 4 * SECOND, late);
	clock_write(AT + SECOND, early);
	wish_init(&w, ROW_REQUEST);
	take(&w, "caller", "bob");
	take(&w, "from", early);
	take(&w, "to", late);
	assert_finds(s, ROW_REQUEST, &w, "31");
	take(&w, "caller", "alice");
	assert_finds(s, ROW_REQUEST, &w, "2");
	take(&w, "from", late);
	take(&w, "to", early);
	assert_finds(s, ROW_REQUEST, &w, "");
}

static void
assert_wrong(enum row_kind kind, const char *name, const char *value,
    const char *why)
{
	struct wish w;
	struct buf out;

	wish_init(&w, kind);
	buf_init(&out, OUT_MAX);
	assert_int_equal(wish_take(&w, slice_of(name), slice_of(value), &out),
	    WISH_WRONG);
	if (strstr(buf_text(&out), why) == NULL)
		fail_msg("'%s' lacks '%s'", buf_text(&out), why);
	buf_fini(&out);
}

static void
test_what_is_wrong_is_told(void **state)
{
	struct wish w;

	(void)state;
	assert_wrong(ROW_REQUEST, "fail", "client-gon", "is it 'client-gone'?");
	assert_wrong(ROW_REQUEST, "fail", "quux", "; there are any,");
	assert_wrong(ROW_ATTEMPT, "state", "setled", "is it 'settled'?");
	assert_wrong(ROW_REQUEST, "dialect", "x",
	    "there are chat, responses, messages\n");
	assert_wrong(ROW_REQUEST, "status", "9xx", "404, or 5xx");
	assert_wrong(ROW_REQUEST, "status", "99", "404, or 5xx");
	assert_wrong(ROW_REQUEST, "slow", "5", "500ms");
	assert_wrong(ROW_EVENT, "from", "soon", "how long ago");
	assert_wrong(ROW_EVENT, "before", "req_1", "'next'");
	assert_wrong(ROW_EVENT, "after", "00zz", "'next'");
	assert_wrong(ROW_REQUEST, "limit", "-1", "a number of rows");
	wish_init(&w, ROW_EVENT);
	assert_int_equal(wish_take(&w, slice_of("status"), slice_of("200"),
			     NULL),
	    WISH_UNKNOWN);
	assert_int_equal(wish_take(&w, slice_of("cost_microusd"), slice_of("1"),
			     NULL),
	    WISH_UNKNOWN);
}

static void
test_every_name_is_a_word(void **state)
{
	static const enum row_kind kinds[] = { ROW_REQUEST, ROW_ATTEMPT,
		ROW_EVENT };
	const char *name;
	size_t k, i;
	bool caller;

	(void)state;
	for (k = 0; k < count_of(kinds); k++) {
		caller = false;
		for (i = 0; (name = wish_name(kinds[k], i)) != NULL; i++) {
			struct wish w;
			struct buf why;

			wish_init(&w, kinds[k]);
			buf_init(&why, OUT_MAX);
			assert_int_not_equal(wish_take(&w, slice_of(name),
						 slice_of("?"), &why),
			    WISH_UNKNOWN);
			buf_fini(&why);
			caller = caller || strcmp(name, "caller") == 0;
		}
		assert_true(caller);
	}
}

/* As a daemon and a command do it; gives the pages that were needed. */
static int
page_through(struct store *s, enum row_kind kind, struct wish *w, char *seen)
{
	const union search_row *row;
	struct search *search;
	struct page page;
	int pages = 0;

	do {
		search = search_new(s->f.ledger, w);
		buf_reset(&s->out);
		page_write(search, NULL, &s->out);
		search_free(search);
		page_open(&page, kind, buf_slice(&s->out));
		while ((row = page_next(&page)) != NULL)
			note(s, kind, row, seen);
		assert_true(page.whole);
		if (page.rest.len > 0)
			assert_int_equal(wish_take(w, slice_of("before"),
					     page.rest, NULL),
			    WISH_TAKEN);
		pages++;
	} while (page.rest.len > 0);
	return pages;
}

/* Also between the attempts of one request. */
static void
test_pages_have_each_row_once(void **state)
{
	struct store *s = *state;
	char seen[SEEN_MAX];
	struct wish w;
	size_t limit;

	for (limit = 1; limit <= 7; limit++) {
		seen[0] = '\0';
		wish_init(&w, ROW_ATTEMPT);
		w.limit = limit;
		page_through(s, ROW_ATTEMPT, &w, seen);
		assert_string_equal(seen, "554433221100");
	}
}

/* A newer one, and an older one that was still under way. */
static void
test_what_is_written_meanwhile_comes_not_twice(void **state)
{
	struct store *s = *state;
	struct search_key key;
	struct search *search;
	char seen[SEEN_MAX] = "";
	struct wish w;
	struct request_row row;
	struct attempt_row attempt;

	wish_init(&w, ROW_REQUEST);
	w.limit = 3;
	search = search_new(s->f.ledger, &w);
	while (search_next(search, NULL) != NULL)
		;
	assert_true(search_rest(search, &key));
	search_free(search);
	row = request_sample(id_next(&s->f.ids, AT + 9 * SECOND), "settled");
	attempt = attempt_sample(row.id, 1, "settled");
	ledger_settle(s->f.turn, &row, &attempt);
	row = request_sample(s->ids[5], "resettled");
	attempt = attempt_sample(row.id, 3, "settled");
	ledger_settle(s->f.turn, &row, &attempt);
	fixture_turn(&s->f);
	w.before = key;
	page_through(s, ROW_REQUEST, &w, seen);
	assert_string_equal(seen, "210");
}

/* Looking at few rows at a time finds the same. */
static void
test_a_search_that_gives_up_can_go_on(void **state)
{
	struct store *s = *state;
	char seen[SEEN_MAX] = "";
	struct search *search;
	struct wish w;

	wish_init(&w, ROW_REQUEST);
	take(&w, "slow", "1s");
	take(&w, "caller", "alice");
	w.rows_max = 1;
	search = search_new(s->f.ledger, &w);
	assert_null(search_next(search, NULL));
	assert_true(search_gave_up(search));
	search_free(search);
	assert_int_equal(page_through(s, ROW_REQUEST, &w, seen), REQUESTS + 1);
	assert_string_equal(seen, "42");
}

/* Nothing of a request is in what its page is told by. */
static void
assert_tells_nothing_of(struct slice text, const struct id *id)
{
	char hex[2 * ID_BYTES + 1];

	hex_write(hex, id->bytes, ID_BYTES);
	hex[16] = '\0'; /* its time, too */
	if (text.len > 0)
		assert_null(memmem(text.ptr, text.len, hex, strlen(hex)));
}

/* Pages that end at another's row: they go on there, and do not tell it. */
static void
test_who_sees_some_rows_is_told_of_no_other(void **state)
{
	const struct slice project = slice_of("checkout");
	const struct admin_scope scope = { NULL, 0, &project, 1 };
	struct store *s = *state;
	char seen[SEEN_MAX] = "", clear[SEARCH_KEY_CHARS];
	struct secret *seal = sign_key_new(), *key;
	const union search_row *row;
	struct search *search;
	struct page page;
	struct wish w;
	int empty = 0, i;

	key = key_derive(seal, CURSOR_PURPOSE);
	wish_init(&w, ROW_REQUEST);
	w.scope = &scope;
	w.rows_max = 1;
	do {
		search = search_new(s->f.ledger, &w);
		buf_reset(&s->out);
		page_write(search, key, &s->out);
		search_free(search);
		page_open(&page, ROW_REQUEST, buf_slice(&s->out));
		empty++;
		while ((row = page_next(&page)) != NULL) {
			note(s, ROW_REQUEST, row, seen);
			empty--;
		}
		for (i = 0; i < REQUESTS; i++)
			assert_tells_nothing_of(page.rest, &s->ids[i]);
		if (page.rest.len == 0)
			break;
		assert_true(cursor_open(key, page.rest, clear));
		take(&w, "before", clear);
	} while (true);
	assert_string_equal(seen, "420");
	assert_int_equal(empty, REQUESTS / 2 + 1);
	secret_free(key);
	secret_free(seal);
}

static void
test_what_is_no_page_is_told(void **state)
{
	struct store *s = *state;
	struct search *search;
	struct page page;
	struct wish w;
	size_t len;

	wish_init(&w, ROW_REQUEST);
	search = search_new(s->f.ledger, &w);
	page_write(search, NULL, &s->out);
	search_free(search);
	for (len = 0; len < s->out.len; len++) {
		page_open(&page, ROW_REQUEST, slice_make(s->out.data, len));
		while (page_next(&page) != NULL)
			;
		assert_false(page.whole);
	}
	page_open(&page, ROW_EVENT, buf_slice(&s->out));
	while (page_next(&page) != NULL)
		;
	assert_false(page.whole);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_words_choose_rows),
		TEST(test_words_go_together),
		TEST(test_what_is_wrong_is_told),
		TEST(test_every_name_is_a_word),
		TEST(test_pages_have_each_row_once),
		TEST(test_what_is_written_meanwhile_comes_not_twice),
		TEST(test_a_search_that_gives_up_can_go_on),
		TEST(test_who_sees_some_rows_is_told_of_no_other),
		TEST(test_what_is_no_page_is_told),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
