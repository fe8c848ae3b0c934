#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/pack.h"
#include "common/llm/capability.h"
#include "common/llm/catalog.h"
#include "common/llm/quirk.h"

#define BYTES_MAX 65536

static const struct catalog_entry entries[] = {
	{ .target = { "openai/gpt-5", 12 },
	    .model = { "gpt-5", 5 },
	    .cap_key = { "max_completion_tokens", 21 },
	    .dialects = 1u << DIALECT_CHAT,
	    .max_output = 128000,
	    .quirks = QUIRK_USAGE_IN_STREAM | QUIRK_JSON_SCHEMA,
	    .supports = CAPABILITY_REASONING,
	    .count = true,
	    .price = { 5000000, 500000, -1, -1, 30000000, -1, -1, 7, 10000, 1,
		{ { 272000, { 10000000, 1, 2, 3, 45000000, 4, 5 } } } },
	    .region = { "eu", 2 },
	    .context = 400000,
	    .max_body_bytes = 1000000,
	    .max_tools_bytes = 65536,
	    .supports_stated = true },
	{ .target = { "gpu/qwen", 8 },
	    .model = { "qwen", 4 },
	    .cap_key = { "max_tokens", 10 },
	    .dialects = 1u << DIALECT_CHAT },
};

static void
write_sample(struct buf *bytes)
{
	const struct catalog c = {
		.egress = slice_of("central"),
		.price_book = slice_of("0123456789abcdef"),
		.entries = entries,
		.count = count_of(entries),
	};

	buf_init(bytes, BYTES_MAX);
	catalog_write(bytes, &c);
	assert_false(bytes->failed);
}

/* Its name is that of the book that it gives. */
static void
names_its_prices(const struct catalog *c)
{
	char name[PRICE_BOOK_CHARS];
	struct price_book book;
	struct buf bytes;

	buf_init(&bytes, PRICE_BOOK_MAX);
	catalog_book(&bytes, c);
	price_book_name(name, buf_slice(&bytes));
	assert_true(slice_is(c->price_book, name));
	assert_true(price_book_read(&book, buf_slice(&bytes)));
	assert_int_equal(book.count, c->count);
	assert_memory_equal(&price_book_find(&book, slice_of("openai/gpt-5"))
				 ->price,
	    &entries[0].price, sizeof(struct price));
	price_book_fini(&book);
	buf_fini(&bytes);
}

static void
what_is_offered_is_found(void **state)
{
	const struct catalog_entry *e;
	struct catalog *c;
	struct buf bytes;

	(void)state;
	write_sample(&bytes);
	c = catalog_read(buf_slice(&bytes), NULL);
	buf_fini(&bytes); /* it copied what it needs */
	assert_non_null(c);
	assert_true(slice_is(c->egress, "central"));
	assert_true(slice_is(c->stated_book, "0123456789abcdef"));
	names_its_prices(c);
	e = catalog_find(c, slice_of("openai/gpt-5"));
	assert_non_null(e);
	assert_true(slice_is(e->model, "gpt-5"));
	assert_true(slice_is(e->cap_key, "max_completion_tokens"));
	assert_int_equal(e->max_output, 128000);
	assert_int_equal(e->price.output, 30000000);
	assert_int_equal(e->price.reasoning, -1);
	assert_memory_equal(&e->price, &entries[0].price, sizeof(e->price));
	assert_int_equal(e->quirks, QUIRK_USAGE_IN_STREAM | QUIRK_JSON_SCHEMA);
	assert_int_equal(e->supports, CAPABILITY_REASONING);
	assert_true(e->count);
	assert_true(slice_is(e->region, "eu"));
	assert_int_equal(e->context, 400000);
	assert_int_equal(e->max_body_bytes, 1000000);
	assert_int_equal(e->max_tools_bytes, 65536);
	assert_true(e->supports_stated);
	e = catalog_find(c, slice_of("gpu/qwen"));
	assert_non_null(e);
	assert_int_equal(e->region.len, 0);
	assert_int_equal(e->context, 0);
	assert_false(e->supports_stated);
	assert_null(catalog_find(c, slice_of("gpu/qwe")));
	assert_null(catalog_find(c, slice_of("openai/gpt-5-mini")));
	assert_null(catalog_find(NULL, slice_of("gpu/qwen")));
	catalog_release(c);
}

static void
cut_or_lengthened_is_refused(void **state)
{
	struct buf bytes;
	size_t len;

	(void)state;
	write_sample(&bytes);
	for (len = 0; len < bytes.len; len++)
		assert_null(catalog_read(slice_make(bytes.data, len), NULL));
	buf_putc(&bytes, 0);
	assert_null(catalog_read(buf_slice(&bytes), NULL));
	buf_fini(&bytes);
}

/* An entry of `fields`, as an egress of another version has it. */
static struct catalog *
of_version(size_t fields, int64_t context)
{
	struct catalog *c;
	struct buf bytes;
	size_t i;

	buf_init(&bytes, BYTES_MAX);
	pack_array(&bytes, 4);
	pack_int(&bytes, 2);
	pack_text(&bytes, slice_of("central"));
	pack_text(&bytes, slice_of("0123456789abcdef"));
	pack_array(&bytes, 1);
	pack_array(&bytes, fields);
	for (i = 0; i < 3; i++)
		pack_text(&bytes, slice_of("gpu/qwen"));
	for (i = 0; i < 4; i++)
		pack_int(&bytes, 1);
	pack_bool(&bytes, true);
	for (i = 0; i < 6; i++)
		pack_int(&bytes, 7);
	if (fields > 14)
		pack_text(&bytes, slice_of("eu"));
	for (i = 15; i < min_size(fields, 18); i++)
		pack_int(&bytes, context);
	if (fields > 18)
		pack_bool(&bytes, true);
	if (fields > 19)
		price_write(&bytes, &(struct price){ .request_microusd = 5 });
	for (i = 20; i < fields; i++)
		pack_text(&bytes, slice_of("later"));
	c = catalog_read(buf_slice(&bytes), NULL);
	buf_fini(&bytes);
	return c;
}

static void
other_versions_are_read(void **state)
{
	const struct catalog_entry *e;
	struct catalog *c;
	size_t fields;

	(void)state;
	c = of_version(14, 0);
	assert_non_null(c);
	e = catalog_find(c, slice_of("gpu/qwen"));
	assert_int_equal(e->price.reasoning, 7);
	assert_int_equal(e->price.image, PRICE_UNKNOWN);
	assert_int_equal(e->price.request_microusd, 0);
	assert_int_equal(e->region.len, 0);
	assert_int_equal(e->context, 0);
	assert_false(e->supports_stated);
	catalog_release(c);
	for (fields = 19; fields <= 64; fields += 9) {
		c = of_version(fields, 5);
		assert_non_null(c);
		e = catalog_find(c, slice_of("gpu/qwen"));
		assert_true(slice_is(e->region, "eu"));
		assert_int_equal(e->max_tools_bytes, 5);
		assert_int_equal(e->price.request_microusd,
		    fields > 19 ? 5 : 0);
		assert_int_equal(e->price.input, fields > 19 ? 0 : 7);
		assert_true(e->supports_stated);
		catalog_release(c);
	}
	for (fields = 15; fields < 19; fields++)
		assert_null(of_version(fields, 5));
	assert_null(of_version(65, 5));
	assert_null(of_version(19, -1));
}

static void
a_wrong_entry_is_named(void **state)
{
	const struct catalog_entry good = { .target = slice_of("a/x"),
		.model = slice_of("x"),
		.cap_key = slice_of("max_tokens") };
	struct {
		struct catalog_entry entry;
		const char *why;
	} cases[] = {
		{ good, "target 'a/x': its provider knows it by no name" },
		{ good, "target 'a/x': it has no price" },
		{ good, "target 'a/x': its most output is negative" },
		{ good, "target 'a/x': its price is out of range" },
		{ good, "target 'ax': its name is no provider/model" },
		{ good, "target 'b/y': it is offered twice" },
	};
	struct catalog_entry pair[2] = { { .target = slice_of("b/y"),
	    .model = slice_of("y"),
	    .cap_key = slice_of("max_tokens") } };
	struct buf bytes, why;
	size_t i;

	(void)state;
	cases[0].entry.model = slice_of("");
	cases[1].entry.price.output = -1;
	cases[2].entry.max_output = -1;
	cases[3].entry.price.tiers_count = 1;
	cases[4].entry.target = slice_of("ax");
	cases[5].entry.target = slice_of("b/y");
	for (i = 0; i < count_of(cases); i++) {
		const struct catalog c = { .egress = slice_of("central"),
			.price_book = slice_of("book"),
			.entries = pair,
			.count = 2 };

		pair[1] = cases[i].entry;
		buf_init(&bytes, 4096);
		buf_init(&why, 256);
		catalog_write(&bytes, &c);
		assert_null(catalog_read(buf_slice(&bytes), &why));
		assert_string_equal(buf_text(&why), cases[i].why);
		buf_fini(&why);
		buf_fini(&bytes);
	}
}

static void
who_holds_it_keeps_it(void **state)
{
	struct catalog *c;
	struct buf bytes;

	(void)state;
	write_sample(&bytes);
	c = catalog_read(buf_slice(&bytes), NULL);
	buf_fini(&bytes);
	assert_non_null(c);
	assert_ptr_equal(catalog_hold(c), c);
	catalog_release(c);
	assert_non_null(catalog_find(c, slice_of("gpu/qwen")));
	catalog_release(c);
	catalog_release(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_offered_is_found),
		cmocka_unit_test(cut_or_lengthened_is_refused),
		cmocka_unit_test(other_versions_are_read),
		cmocka_unit_test(a_wrong_entry_is_named),
		cmocka_unit_test(who_holds_it_keeps_it),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
