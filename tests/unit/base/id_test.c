#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/id.h"

#define NOW_US 1795387329123456

static int
order(const struct id *a, const struct id *b)
{
	return memcmp(a->bytes, b->bytes, ID_BYTES);
}

static void
increases_whatever_the_clock_does(void **state)
{
	/* Forward, still, back a little, back a lot, before 1970, forward. */
	static const int64_t steps_us[] = { 0, 1, 1000, -1, -5000, 999, 0,
		-NOW_US - 1, 2 * NOW_US, 0, -1000000 };
	struct id_source source = { 0 };
	struct id last = { { 0 } }, next;
	int64_t now = NOW_US;
	int i;

	(void)state;
	for (i = 0; i < 10000; i++) {
		now += steps_us[(size_t)i % count_of(steps_us)];
		next = id_next(&source, now);
		assert_true(order(&last, &next) < 0);
		last = next;
	}
}

static void
carries_when_a_millisecond_is_full(void **state)
{
	struct id_source source = { .last = id_at(NOW_US) };
	struct id next;

	(void)state;
	memset(source.last.bytes + 6, 0xff, 10);
	next = id_next(&source, NOW_US);
	assert_int_equal(id_time_ms(&next), NOW_US / 1000 + 1);
}

static void
tells_its_time(void **state)
{
	struct id_source source = { 0 };
	struct id id = id_next(&source, NOW_US), least = id_at(NOW_US);
	struct id after = id_at(NOW_US + 1000);

	(void)state;
	assert_int_equal(id_time_ms(&id), NOW_US / 1000);
	assert_true(order(&least, &id) <= 0);
	assert_true(order(&id, &after) < 0);
	id = id_at(-1);
	assert_int_equal(id_time_ms(&id), 0);
}

static void
text_comes_back_and_sorts_alike(void **state)
{
	struct id a, b, back;
	char x[ID_TEXT_BYTES], y[ID_TEXT_BYTES];
	int i;

	(void)state;
	for (i = 0; i < 2000; i++) {
		crypto_random(a.bytes, ID_BYTES);
		crypto_random(b.bytes, ID_BYTES);
		id_write(&a, x);
		id_write(&b, y);
		assert_int_equal(strlen(x), ID_TEXT_BYTES - 1);
		assert_true((strcmp(x, y) < 0) == (order(&a, &b) < 0));
		assert_true(id_parse(&back, slice_of(x)));
		assert_memory_equal(back.bytes, a.bytes, ID_BYTES);
	}
}

static void
known_text(void **state)
{
	struct id id;
	char text[ID_TEXT_BYTES];

	(void)state;
	memset(id.bytes, 0xff, ID_BYTES);
	id_write(&id, text);
	assert_string_equal(text, "7zzzzzzzzzzzzzzzzzzzzzzzzz");
	memset(id.bytes, 0, ID_BYTES);
	id.bytes[ID_BYTES - 1] = 33;
	id_write(&id, text);
	assert_string_equal(text, "00000000000000000000000011");
	/* The ULID specification's example. */
	assert_true(id_parse(&id, slice_of("01ARZ3NDEKTSV4RRFFQ69G5FAV")));
	assert_int_equal(id_time_ms(&id), 1469922850259);
	id_write(&id, text);
	assert_string_equal(text, "01arz3ndektsv4rrffq69g5fav");
}

static void
refuses_what_is_no_id(void **state)
{
	static const char *const bad[] = {
		"",
		"0000000000000000000000000",
		"000000000000000000000000000",
		"80000000000000000000000000",
		"0000000000000000000000000u",
		"0000000000000000000000000i",
		"0000000000000000000000000-",
		"00000000000000000000 00000",
	};
	struct id id;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++)
		assert_false(id_parse(&id, slice_of(bad[i])));
	assert_false(
	    id_parse(&id, slice_make("0000000000000\0000000000000", 26)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(increases_whatever_the_clock_does),
		cmocka_unit_test(carries_when_a_millisecond_is_full),
		cmocka_unit_test(tells_its_time),
		cmocka_unit_test(text_comes_back_and_sorts_alike),
		cmocka_unit_test(known_text),
		cmocka_unit_test(refuses_what_is_no_id),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
