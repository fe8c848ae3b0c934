#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/crypto.h"
#include "common/base/secret.h"
#include "common/net/letter.h"
#include "common/net/upstream.h"

static struct transfer_request
request_of(const struct http_field *fields, size_t count,
    const struct secret *key)
{
	return (struct transfer_request){ .fields = fields,
		.fields_count = count,
		.auth_field = "x-api-key",
		.auth_prefix = "",
		.key = key };
}

static void
spells_lines_as_the_library_wants(void **state)
{
	static const struct http_field fields[] = { { "Accept", { "a/b", 3 } },
		{ "X-Empty", { "", 0 } } };
	struct secret *key = secret_new("k", 1);
	struct transfer_request r = request_of(fields, 2, key);
	struct letter l;

	(void)state;
	assert_true(letter_init(&l, &r));
	assert_int_equal(l.line_count, 5);
	assert_string_equal(l.lines[0], "Accept: a/b");
	assert_string_equal(l.lines[1], "X-Empty;");
	assert_string_equal(l.lines[2], "x-api-key: k");
	assert_string_equal(l.lines[3], "Expect:");
	assert_string_equal(l.lines[4], "Content-Type:");
	letter_fini(&l);
	secret_free(key);
}

static bool
takes(const char *name, struct slice value, const char *key_text)
{
	struct secret *key = secret_new(key_text, strlen(key_text));
	struct http_field field = { name, value };
	struct transfer_request r = request_of(&field, 1, key);
	struct letter l;
	bool taken = letter_init(&l, &r);

	if (taken)
		letter_fini(&l);
	secret_free(key);
	return taken;
}

static void
refuses_what_is_not_sound(void **state)
{
	static const char *const names[] = { "", "X A", "X:A", "X\r\nY", "ä",
		"Host", "content-length", "Transfer-Encoding", "Connection",
		"Expect", "accept-encoding", "X-API-Key" };
	static const char *const values[] = { "a\r\nX-B: b", "a\nb", "a\r",
		"\x7f" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(names); i++)
		assert_false(takes(names[i], slice_of("a"), "k"));
	for (i = 0; i < count_of(values); i++) {
		assert_false(takes("X-A", slice_of(values[i]), "k"));
		assert_false(takes("X-A", slice_of("a"), values[i]));
	}
	assert_false(takes("X-A", slice_make("a\0b", 3), "k"));
	assert_true(takes("X-A", slice_of("tab\tand \xc3\xa4"), "k"));
}

static void
bounds_the_number_of_fields(void **state)
{
	struct http_field fields[LETTER_LINES_MAX];
	struct transfer_request r;
	struct letter l;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(fields); i++)
		fields[i] = (struct http_field){ "X-A", slice_of("a") };
	r = request_of(fields, LETTER_LINES_MAX - 2, NULL);
	assert_false(letter_init(&l, &r));
	r = request_of(fields, LETTER_LINES_MAX - 3, NULL);
	assert_true(letter_init(&l, &r));
	letter_fini(&l);
}

static void
reads_pieces_at_any_size(void **state)
{
	static char large[LETTER_JOIN_BYTES];
	const struct slice pieces[] = { slice_of("one"), slice_of(""),
		slice_make(large, sizeof(large)), slice_of("two") };
	struct transfer_request r = request_of(NULL, 0, NULL);
	char *got = malloc(sizeof(large) + 6);
	size_t room, n, len;
	struct letter l;

	(void)state;
	memset(large, 'x', sizeof(large));
	r.body = pieces;
	r.body_count = count_of(pieces);
	for (room = 1; room < 9000; room = room * 3 + 1) {
		assert_true(letter_init(&l, &r));
		assert_int_equal(l.piece_count, 4);
		for (len = 0; len < sizeof(large) + 6; len += n) {
			n = letter_read(&l, got + len,
			    min_size(room, sizeof(large) + 6 - len));
			assert_true(n > 0 && n <= room);
		}
		assert_int_equal(letter_read(&l, got, 1), 0);
		assert_memory_equal(got, "onexx", 5);
		assert_memory_equal(got + sizeof(large) + 1, "xxtwo", 5);
		letter_fini(&l);
	}
	free(got);
}

static void
joins_small_bodies(void **state)
{
	const struct slice pieces[] = { slice_of("one"), slice_of("two") };
	struct transfer_request r = request_of(NULL, 0, NULL);
	struct letter l;

	(void)state;
	r.body = pieces;
	r.body_count = 2;
	assert_true(letter_init(&l, &r));
	assert_int_equal(l.piece_count, 1);
	assert_true(slice_is(l.pieces[0], "onetwo"));
	letter_fini(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spells_lines_as_the_library_wants),
		cmocka_unit_test(refuses_what_is_not_sound),
		cmocka_unit_test(bounds_the_number_of_fields),
		cmocka_unit_test(reads_pieces_at_any_size),
		cmocka_unit_test(joins_small_bodies),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
