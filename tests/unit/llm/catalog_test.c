#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
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
	    .price = { 5000000, 500000, -1, -1, 30000000, -1 } },
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

static void
what_is_offered_is_found(void **state)
{
	const struct catalog_entry *e;
	struct catalog *c;
	struct buf bytes;

	(void)state;
	write_sample(&bytes);
	c = catalog_read(buf_slice(&bytes));
	buf_fini(&bytes); /* it copied what it needs */
	assert_non_null(c);
	assert_true(slice_is(c->egress, "central"));
	assert_true(slice_is(c->price_book, "0123456789abcdef"));
	e = catalog_find(c, slice_of("openai/gpt-5"));
	assert_non_null(e);
	assert_true(slice_is(e->model, "gpt-5"));
	assert_true(slice_is(e->cap_key, "max_completion_tokens"));
	assert_int_equal(e->max_output, 128000);
	assert_int_equal(e->price.output, 30000000);
	assert_int_equal(e->price.reasoning, -1);
	assert_int_equal(e->quirks, QUIRK_USAGE_IN_STREAM | QUIRK_JSON_SCHEMA);
	assert_int_equal(e->supports, CAPABILITY_REASONING);
	assert_true(e->count);
	assert_non_null(catalog_find(c, slice_of("gpu/qwen")));
	assert_null(catalog_find(c, slice_of("gpu/qwe")));
	assert_null(catalog_find(c, slice_of("openai/gpt-5-mini")));
	assert_null(catalog_find(NULL, slice_of("gpu/qwen")));
	catalog_free(c);
}

static void
cut_or_lengthened_is_refused(void **state)
{
	struct buf bytes;
	size_t len;

	(void)state;
	write_sample(&bytes);
	for (len = 0; len < bytes.len; len++)
		assert_null(catalog_read(slice_make(bytes.data, len)));
	buf_putc(&bytes, 0);
	assert_null(catalog_read(buf_slice(&bytes)));
	buf_fini(&bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_offered_is_found),
		cmocka_unit_test(cut_or_lengthened_is_refused),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
