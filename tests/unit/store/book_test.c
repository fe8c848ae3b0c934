#include "common/llm/catalog.h"
#include "common/store/book.h"
#include "tests/unit/store/fixture.h"

static void
book_bytes(struct buf *out, int64_t input)
{
	struct price_entry entries[] = {
		{ slice_of("openai/gpt"),
		    { .input = input,
			.cached_input = PRICE_UNKNOWN,
			.output = 4 * input,
			.tiers_count = 1,
			.tiers = { { 1000, { .input = 9, .output = 9 } } } } },
		{ slice_of("openai/mini"), { .input = 1 } },
	};

	buf_init(out, PRICE_BOOK_MAX);
	price_book_write(out, entries, count_of(entries));
}

static void
keep(struct fixture *f, int64_t input, char name[PRICE_BOOK_CHARS])
{
	struct buf bytes;

	book_bytes(&bytes, input);
	price_book_name(name, buf_slice(&bytes));
	book_keep(f->turn, buf_slice(&bytes));
	buf_fini(&bytes);
}

static int64_t
price_now(struct fixture *f, const char *book, const char *target)
{
	struct price p;

	if (!book_price(f->ledger, slice_of(book), slice_of(target), &p))
		return -1;
	assert_true(price_valid(&p));
	return p.input;
}

static void
each_book_is_there_for_good(void **state)
{
	char first[PRICE_BOOK_CHARS], second[PRICE_BOOK_CHARS];
	struct fixture f;

	(void)state;
	fixture_new(&f);
	keep(&f, 5000000, first);
	assert_int_equal(price_now(&f, first, "openai/gpt"), -1);
	fixture_turn(&f);
	assert_int_equal(price_now(&f, first, "openai/gpt"), 5000000);
	keep(&f, 7000000, second);
	keep(&f, 7000000, second);
	fixture_turn(&f);
	assert_int_equal(price_now(&f, second, "openai/gpt"), 7000000);
	assert_int_equal(price_now(&f, first, "openai/gpt"), 5000000);
	assert_int_equal(price_now(&f, first, "openai/mini"), 1);
	assert_int_equal(price_now(&f, first, "openai/none"), -1);
	assert_int_equal(price_now(&f, "", "openai/gpt"), -1);
	assert_int_equal(price_now(&f, "0123456789abcdef", "openai/gpt"), -1);
	assert_int_equal(fixture_count(&f, FAMILY_BOOK), 2);
	fixture_crash(&f);
	assert_int_equal(price_now(&f, second, "openai/gpt"), 7000000);
	keep(&f, 5000000, first);
	fixture_turn(&f);
	assert_int_equal(fixture_count(&f, FAMILY_BOOK), 2);
	fixture_free(&f);
}

/* A kill between the two batches of a turn leaves no row without its book. */
static void
it_is_written_with_the_first_intent_that_names_it(void **state)
{
	struct slice none = { NULL, 0 }, key, value;
	char name[PRICE_BOOK_CHARS];
	struct attempt_row a;
	struct fixture f;
	struct db_scan *scan;

	(void)state;
	fixture_new(&f);
	keep(&f, 5000000, name);
	a = attempt_sample(id_next(&f.ids, 1790000000000000), 1, "open");
	a.price_book = slice_of(name);
	ledger_intend(f.turn, NULL, &a);
	fixture_turn(&f);
	scan = db_scan_new(ledger_db(f.ledger), FAMILY_BOOK, none, none, false);
	assert_true(db_scan_next(scan, &key, &value));
	assert_true(slice_is(key, name));
	db_scan_free(scan);
	assert_int_equal(fixture_count(&f, FAMILY_INTENT), 1);
	fixture_free(&f);
}

static void
one_that_was_altered_is_none(void **state)
{
	char name[PRICE_BOOK_CHARS];
	struct price_book book;
	struct fixture f;
	struct buf other;

	(void)state;
	fixture_new(&f);
	keep(&f, 5000000, name);
	fixture_turn(&f);
	book_bytes(&other, 5000001);
	assert_int_equal(db_put_now(ledger_db(f.ledger), FAMILY_BOOK,
			     slice_of(name), buf_slice(&other)),
	    DB_OK);
	assert_false(book_get(f.ledger, slice_of(name), &book));
	assert_int_equal(price_now(&f, name, "openai/gpt"), -1);
	buf_fini(&other);
	fixture_free(&f);
}

/* More of them than stay in memory. */
static void
many_books_are_read_in_turn(void **state)
{
	char names[150][PRICE_BOOK_CHARS];
	struct fixture f;
	size_t i;

	(void)state;
	fixture_new(&f);
	for (i = 0; i < count_of(names); i++)
		keep(&f, (int64_t)i, names[i]);
	fixture_turn(&f);
	for (i = 0; i < 3 * count_of(names); i++)
		assert_int_equal(price_now(&f, names[i % count_of(names)],
				     "openai/gpt"),
		    i % count_of(names));
	fixture_free(&f);
}

static void
count(void *arg, struct slice name, size_t targets)
{
	assert_int_equal(name.len, PRICE_BOOK_CHARS - 1);
	assert_int_equal(targets, 2);
	++*(size_t *)arg;
}

static void
all_are_listed(void **state)
{
	char name[PRICE_BOOK_CHARS];
	struct fixture f;
	size_t books = 0;

	(void)state;
	fixture_new(&f);
	keep(&f, 1, name);
	keep(&f, 2, name);
	fixture_turn(&f);
	assert_true(book_each(f.ledger, count, &books));
	assert_int_equal(books, 2);
	fixture_free(&f);
}

/* What rows are written with is what they are costed with again. */
static void
a_row_has_all_that_its_cost_was_made_of(void **state)
{
	const struct usage u = { 1, 2, 3, 4, 5, 6, 1, 8, USAGE_PARTIAL, "",
		"" };
	const struct attempt_row row = { .input_tokens = 1,
		.cache_read_tokens = 2,
		.cache_write_tokens = 3,
		.cache_write_1h_tokens = 4,
		.output_tokens = 5,
		.reasoning_tokens = 6,
		.image_tokens = 1,
		.web_searches = 8,
		.usage_source = slice_of("partial") };
	struct usage again = book_usage(&row);

	(void)state;
	assert_memory_equal(&again, &u, sizeof(u));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_book_is_there_for_good),
		cmocka_unit_test(
		    it_is_written_with_the_first_intent_that_names_it),
		cmocka_unit_test(one_that_was_altered_is_none),
		cmocka_unit_test(many_books_are_read_in_turn),
		cmocka_unit_test(all_are_listed),
		cmocka_unit_test(a_row_has_all_that_its_cost_was_made_of),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
