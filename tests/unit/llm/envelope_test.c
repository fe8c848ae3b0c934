#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/llm/envelope.h"

static struct envelope
sample(void)
{
	struct envelope e = {
		.origin = slice_of("payments"),
		.attempt = 1,
		.egress = slice_of("central"),
		.issued_us = 1795387329000000,
		.team = slice_of("payments"),
		.caller = slice_of("683d7585cabeeae6"),
		.user = slice_of("ann"),
		.project = slice_of("checkout"),
		.group = slice_of("assistant"),
		.target = slice_of("openai/gpt-5-mini"),
		.dialect = DIALECT_MESSAGES,
		.operation = OPERATION_COUNT,
		.api_version = slice_of("2023-06-01"),
		.api_beta = slice_of("context-1m-2025-08-07, files_2"),
		.stream = true,
		.output_cap = 4096,
		.body_bytes = 79,
	};

	crypto_random(e.request.bytes, ID_BYTES);
	crypto_random(e.body_hash.bytes, HASH_BYTES);
	crypto_random(e.topology.bytes, HASH_BYTES);
	return e;
}

static void
what_is_written_is_read(void **state)
{
	struct envelope e = sample(), back;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, ENVELOPE_MAX);
	envelope_write(&bytes, &e);
	assert_true(envelope_read(&back, buf_slice(&bytes)));
	assert_true(slice_eq(back.origin, e.origin));
	assert_true(slice_eq(back.egress, e.egress));
	assert_true(slice_eq(back.team, e.team));
	assert_true(slice_eq(back.caller, e.caller));
	assert_true(slice_eq(back.user, e.user));
	assert_true(slice_eq(back.project, e.project));
	assert_true(slice_eq(back.group, e.group));
	assert_true(slice_eq(back.target, e.target));
	assert_memory_equal(&back.request, &e.request, ID_BYTES);
	assert_memory_equal(&back.body_hash, &e.body_hash, HASH_BYTES);
	assert_memory_equal(&back.topology, &e.topology, HASH_BYTES);
	assert_int_equal(back.attempt, 1);
	assert_int_equal(back.issued_us, e.issued_us);
	assert_int_equal(back.dialect, DIALECT_MESSAGES);
	assert_int_equal(back.operation, OPERATION_COUNT);
	assert_true(slice_eq(back.api_version, e.api_version));
	assert_true(slice_eq(back.api_beta, e.api_beta));
	assert_true(back.stream);
	assert_int_equal(back.output_cap, 4096);
	assert_int_equal(back.body_bytes, 79);
	buf_fini(&bytes);
}

static void
cut_or_lengthened_is_refused(void **state)
{
	struct envelope e = sample(), back;
	struct buf bytes;
	size_t len;

	(void)state;
	buf_init(&bytes, ENVELOPE_MAX);
	envelope_write(&bytes, &e);
	for (len = 0; len < bytes.len; len++)
		assert_false(envelope_read(&back, slice_make(bytes.data, len)));
	buf_putc(&bytes, 0);
	assert_false(envelope_read(&back, buf_slice(&bytes)));
	buf_fini(&bytes);
}

static void
figures_out_of_range_are_refused(void **state)
{
	struct envelope back,
	    bad[] = { sample(), sample(), sample(), sample(), sample() };
	struct buf bytes;
	size_t i;

	(void)state;
	bad[0].attempt = 0;
	bad[1].attempt = 256;
	bad[2].body_bytes = -1;
	bad[3].output_cap = -1;
	bad[4].output_cap = (int64_t)OUTPUT_TOKENS_MAX + 1;
	for (i = 0; i < count_of(bad); i++) {
		buf_init(&bytes, ENVELOPE_MAX);
		envelope_write(&bytes, &bad[i]);
		assert_false(envelope_read(&back, buf_slice(&bytes)));
		buf_fini(&bytes);
	}
	bad[4].output_cap = OUTPUT_TOKENS_MAX;
	buf_init(&bytes, ENVELOPE_MAX);
	envelope_write(&bytes, &bad[4]);
	assert_true(envelope_read(&back, buf_slice(&bytes)));
	assert_int_equal(back.output_cap, OUTPUT_TOKENS_MAX);
	buf_fini(&bytes);
}

static bool
is_read(const struct envelope *e)
{
	struct envelope back;
	struct buf bytes;
	bool fine;

	buf_init(&bytes, ENVELOPE_MAX);
	envelope_write(&bytes, e);
	assert_false(bytes.failed);
	fine = envelope_read(&back, buf_slice(&bytes));
	buf_fini(&bytes);
	return fine;
}

/* They become header fields: nothing in them may end one. */
static void
fields_that_could_be_more_are_refused(void **state)
{
	static char long_text[API_BETA_MAX + 1];
	struct envelope e = sample();

	(void)state;
	memset(long_text, 'a', sizeof(long_text));
	assert_true(is_read(&e));
	e.api_beta = slice_of("a\r\nx-evil: 1");
	assert_false(is_read(&e));
	e.api_beta = slice_make("a\0b", 3);
	assert_false(is_read(&e));
	e.api_beta = slice_make(long_text, API_BETA_MAX);
	assert_true(is_read(&e));
	e.api_beta = slice_make(long_text, API_BETA_MAX + 1);
	assert_false(is_read(&e));
	e.api_beta = slice_of("");
	e.api_version = slice_make(long_text, API_VERSION_MAX + 1);
	assert_false(is_read(&e));
	e.api_version = slice_of("");
	assert_true(is_read(&e));
}

static void
only_messages_has_fields(void **state)
{
	struct envelope e = sample();

	(void)state;
	e.dialect = DIALECT_CHAT;
	assert_false(is_read(&e));
	e.api_beta = slice_of("");
	assert_false(is_read(&e));
	e.api_version = slice_of("");
	assert_true(is_read(&e));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(cut_or_lengthened_is_refused),
		cmocka_unit_test(figures_out_of_range_are_refused),
		cmocka_unit_test(fields_that_could_be_more_are_refused),
		cmocka_unit_test(only_messages_has_fields),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
