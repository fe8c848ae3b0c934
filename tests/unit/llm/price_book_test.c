#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/pack.h"
#include "common/llm/price_book.h"

#define PRICE(n)                                                               \
	{                                                                      \
		(n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6,     \
		    (n) + 7, (n) + 8, 2,                                       \
		{                                                              \
			{ 10, { 1, 2, 3, 4, 5, 6, 7 } },                       \
			    { 20, { 2, 3, 4, 5, 6, 7, 8 } },                   \
			{                                                      \
				0                                              \
			}                                                      \
		}                                                              \
	}

static const struct price_entry sample[3] = {
	{ { "b/large", 7 }, PRICE(100) },
	{ { "a/smaller", 9 }, PRICE(200) },
	{ { "a/small", 7 }, PRICE(300) },
};

static void
write_entries(struct buf *out, const struct price_entry *from, size_t count)
{
	struct price_entry entries[3];
	size_t i;

	for (i = 0; i < count; i++)
		entries[i] = from[i];
	buf_init(out, PRICE_BOOK_MAX);
	price_book_write(out, entries, count);
	assert_false(out->failed);
}

static void
name_entries(char name[PRICE_BOOK_CHARS], const struct price_entry *from,
    size_t count)
{
	struct buf bytes;

	write_entries(&bytes, from, count);
	price_book_name(name, buf_slice(&bytes));
	buf_fini(&bytes);
}

static void
all_that_was_written_is_read(void **state)
{
	struct price_book book;
	struct buf bytes;
	size_t i;

	(void)state;
	write_entries(&bytes, sample, 3);
	assert_true(price_book_read(&book, buf_slice(&bytes)));
	buf_fini(&bytes); /* it copied what it needs */
	assert_int_equal(book.count, 3);
	for (i = 0; i < 3; i++)
		assert_memory_equal(&price_book_find(&book, sample[i].target)
					 ->price,
		    &sample[i].price, sizeof(struct price));
	assert_null(price_book_find(&book, slice_of("a/smal")));
	assert_null(price_book_find(&book, slice_of("")));
	price_book_fini(&book);
	write_entries(&bytes, sample, 0);
	assert_true(price_book_read(&book, buf_slice(&bytes)));
	assert_null(price_book_find(&book, slice_of("a/small")));
	price_book_fini(&book);
	buf_fini(&bytes);
}

static void
its_name_is_of_all_that_stands_in_it(void **state)
{
	struct price_entry book[3] = { sample[2], sample[0], sample[1] };
	int64_t *const words = (int64_t *)(void *)&book[1].price;
	const size_t count = offsetof(struct price, tiers[2]) / sizeof(int64_t);
	char name[PRICE_BOOK_CHARS], other[PRICE_BOOK_CHARS];
	size_t i;

	(void)state;
	name_entries(name, sample, 3);
	assert_int_equal(strlen(name), PRICE_BOOK_CHARS - 1);
	assert_int_equal(strspn(name, "0123456789abcdef"),
	    PRICE_BOOK_CHARS - 1);
	name_entries(other, book, 3);
	assert_string_equal(name, other); /* whoever lists them how */
	for (i = 0; i < count; i++) {
		if (&words[i] == (void *)&book[1].price.tiers_count)
			continue;
		words[i]++;
		name_entries(other, book, 3);
		assert_string_not_equal(name, other);
		words[i]--;
	}
	book[1].price.tiers_count--;
	name_entries(other, book, 3);
	assert_string_not_equal(name, other);
	book[1].price.tiers_count++;
	book[1].target = slice_of("b/larger");
	name_entries(other, book, 3);
	assert_string_not_equal(name, other);
	name_entries(other, sample, 2);
	assert_string_not_equal(name, other);
	name_entries(name, sample, 0);
	assert_string_not_equal(name, other);
}

static bool
is_read(struct buf *bytes)
{
	struct price_book book;
	bool good = price_book_read(&book, buf_slice(bytes));

	if (good)
		price_book_fini(&book);
	buf_fini(bytes);
	return good;
}

static void
what_is_no_book_is_refused(void **state)
{
	struct price_entry book[2] = { sample[0], sample[2] };
	struct price_book read;
	struct buf bytes;
	size_t len;

	(void)state;
	write_entries(&bytes, sample, 3);
	for (len = 0; len < bytes.len; len++)
		assert_false(
		    price_book_read(&read, slice_make(bytes.data, len)));
	buf_putc(&bytes, 0);
	assert_false(is_read(&bytes));
	book[1].target = book[0].target; /* twice */
	write_entries(&bytes, book, 2);
	assert_false(is_read(&bytes));
	book[1] = sample[1];
	book[1].price.output = -1;
	write_entries(&bytes, book, 2);
	assert_false(is_read(&bytes));
	book[1] = sample[1];
	book[1].price.image = -2;
	write_entries(&bytes, book, 2);
	assert_false(is_read(&bytes));
	book[1] = sample[1];
	book[1].price.tiers[1].above_tokens = 10;
	write_entries(&bytes, book, 2);
	assert_false(is_read(&bytes));
	book[1] = sample[1];
	book[1].price.request_microusd = 1000000000001;
	write_entries(&bytes, book, 2);
	assert_false(is_read(&bytes));
	write_entries(&bytes, sample, 2);
	assert_true(is_read(&bytes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_was_written_is_read),
		cmocka_unit_test(its_name_is_of_all_that_stands_in_it),
		cmocka_unit_test(what_is_no_book_is_refused),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
