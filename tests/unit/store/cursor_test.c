#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/crypto.h"
#include "common/base/secret.h"
#include "common/store/cursor.h"

static struct secret *
seal_of(uint8_t byte)
{
	uint8_t bytes[KEY_BYTES];

	memset(bytes, byte, sizeof(bytes));
	return secret_new(bytes, sizeof(bytes));
}

static struct search_key
key_of(size_t len)
{
	struct search_key key = { .len = len };
	size_t i;

	for (i = 0; i < len; i++)
		key.bytes[i] = (uint8_t)(0x41 + i);
	return key;
}

static void
what_is_sealed_opens_again(void **state)
{
	struct secret *seal = seal_of(1);
	char clear[SEARCH_KEY_CHARS], text[CURSOR_CHARS], plain[CURSOR_CHARS];
	struct search_key key;
	size_t len;

	(void)state;
	for (len = 0; len <= SEARCH_KEY_MAX; len++) {
		key = key_of(len);
		cursor_write(NULL, &key, plain);
		cursor_write(seal, &key, text);
		assert_false(cursor_sealed(slice_of(plain)));
		assert_true(cursor_sealed(slice_of(text)));
		assert_true(cursor_open(seal, slice_of(text), clear));
		assert_string_equal(clear, plain);
	}
	secret_free(seal);
}

/* Not even how long the key is, or that two are the same one. */
static void
a_sealed_one_tells_nothing(void **state)
{
	char plain[CURSOR_CHARS], one[CURSOR_CHARS], two[CURSOR_CHARS];
	struct search_key key = key_of(30), longer = key_of(90);
	struct secret *seal = seal_of(1);

	(void)state;
	cursor_write(NULL, &key, plain);
	cursor_write(seal, &key, one);
	cursor_write(seal, &longer, two);
	assert_int_equal(strlen(one), strlen(two));
	assert_null(strstr(one, plain));
	plain[8] = '\0';
	assert_null(strstr(one, plain));
	cursor_write(seal, &key, two);
	assert_string_not_equal(one, two);
	secret_free(seal);
}

static void
what_was_not_sealed_here_does_not_open(void **state)
{
	struct secret *seal = seal_of(1), *other = seal_of(2);
	char clear[SEARCH_KEY_CHARS], text[CURSOR_CHARS];
	struct search_key key = key_of(30);
	size_t len, i;

	(void)state;
	cursor_write(seal, &key, text);
	len = strlen(text);
	assert_false(cursor_open(other, slice_of(text), clear));
	for (i = 0; i < len; i++) {
		text[i] ^= 1;
		assert_false(cursor_open(seal, slice_make(text, len), clear));
		text[i] ^= 1;
		assert_false(cursor_open(seal, slice_make(text, i), clear));
	}
	assert_true(cursor_open(seal, slice_make(text, len), clear));
	secret_free(other);
	secret_free(seal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens_again),
		cmocka_unit_test(a_sealed_one_tells_nothing),
		cmocka_unit_test(what_was_not_sealed_here_does_not_open),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
