#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/crypto.h"
#include "common/base/secret.h"

#define MAX_BYTES 8

/* What secret_read makes of these bytes. */
static struct secret *
read_bytes(const char *bytes, size_t len)
{
	struct secret *s;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, len), (ssize_t)len);
	close(ends[1]);
	s = secret_read(ends[0], MAX_BYTES);
	close(ends[0]);
	return s;
}

static void
assert_reads(const char *text, const char *want)
{
	struct secret *s = read_bytes(text, strlen(text));

	if (want == NULL) {
		assert_null(s);
		return;
	}
	assert_non_null(s);
	assert_true(slice_is(secret_view(s), want));
	secret_free(s);
}

static void
reads_without_the_last_line_break(void **state)
{
	(void)state;
	assert_reads("key", "key");
	assert_reads("key\n", "key");
	assert_reads("key\r\n", "key");
	assert_reads("key\n\n", "key\n");
	assert_reads("12345678", "12345678");
	assert_reads("12345678\n", "12345678");
	assert_reads("12345678\r\n", "12345678");
}

static void
refuses_none_and_too_much(void **state)
{
	(void)state;
	assert_reads("", NULL);
	assert_reads("\n", NULL);
	assert_reads("\r\n", NULL);
	assert_reads("123456789", NULL);
	assert_reads("123456789\n", NULL);
	assert_reads("123456789\r\n", NULL);
	assert_reads("12345678901234567890", NULL);
	assert_null(secret_read(-1, MAX_BYTES));
}

static void
owners_share_the_bytes(void **state)
{
	char bytes[] = "secret";
	struct secret *s = secret_new(bytes, 6);

	(void)state;
	crypto_wipe(bytes, 6);
	assert_ptr_equal(secret_hold(s), s);
	secret_free(s);
	assert_true(slice_is(secret_view(s), "secret"));
	secret_free(s);
	secret_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_without_the_last_line_break),
		cmocka_unit_test(refuses_none_and_too_much),
		cmocka_unit_test(owners_share_the_bytes),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
