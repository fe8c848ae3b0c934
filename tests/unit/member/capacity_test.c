#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/pack.h"
#include "common/member/capacity.h"

#define BYTES_MAX 65536
#define ARENA_MAX (1024 * 1024)

static const struct capacity_entry entries[] = {
	{ { "openai/gpt-5", 12 }, BACKOFF_RATE, 1500000, false, 3 },
	{ { "gpu/qwen", 8 }, BACKOFF_QUOTA, 0, true, 1 },
};

static void
what_is_written_is_read(void **state)
{
	const struct capacity c = {
		.egress = slice_of("central"),
		.epoch = { 77, 5 },
		.entries = entries,
		.count = count_of(entries),
	};
	struct capacity got;
	struct arena arena;
	struct buf bytes;
	size_t i;

	(void)state;
	arena_init(&arena, ARENA_MAX);
	buf_init(&bytes, BYTES_MAX);
	capacity_write(&bytes, &c);
	assert_true(capacity_read(&got, &arena, buf_slice(&bytes)));
	assert_true(slice_is(got.egress, "central"));
	assert_int_equal(got.epoch.boot, 77);
	assert_int_equal(got.epoch.number, 5);
	assert_int_equal(got.count, count_of(entries));
	for (i = 0; i < got.count; i++) {
		assert_true(slice_eq(got.entries[i].target, entries[i].target));
		assert_int_equal(got.entries[i].kind, entries[i].kind);
		assert_int_equal(got.entries[i].wait_us, entries[i].wait_us);
		assert_int_equal(got.entries[i].half_open,
		    entries[i].half_open);
		assert_int_equal(got.entries[i].turn, entries[i].turn);
	}
	/* Nothing that is cut short is one, or longer than it says. */
	for (i = 0; i < bytes.len; i++)
		assert_false(
		    capacity_read(&got, &arena, slice_make(bytes.data, i)));
	buf_putc(&bytes, '\0');
	assert_false(capacity_read(&got, &arena, buf_slice(&bytes)));
	buf_fini(&bytes);
	arena_fini(&arena);
}

/* One entry, with a kind, a wait, and fields of a newer egress. */
static bool
reads(const char *target, const char *kind, int64_t wait_us,
    struct capacity_entry *out)
{
	struct capacity got;
	struct arena arena;
	struct buf bytes;
	bool read;

	arena_init(&arena, ARENA_MAX);
	buf_init(&bytes, BYTES_MAX);
	pack_array(&bytes, 6);
	pack_int(&bytes, 1);
	pack_text(&bytes, slice_of("central"));
	pack_int(&bytes, 1);
	pack_int(&bytes, 1);
	pack_array(&bytes, 1);
	pack_array(&bytes, 6);
	pack_text(&bytes, slice_of(target));
	pack_text(&bytes, slice_of(kind));
	pack_int(&bytes, wait_us);
	pack_bool(&bytes, false);
	pack_int(&bytes, 1);
	pack_text(&bytes, slice_of("later"));
	pack_array(&bytes, 0);
	read = capacity_read(&got, &arena, buf_slice(&bytes));
	if (read)
		*out = got.entries[0];
	buf_fini(&bytes);
	arena_fini(&arena);
	return read;
}

static void
what_a_newer_egress_says_is_passed_over(void **state)
{
	struct capacity_entry e;

	(void)state;
	assert_true(reads("a/b", "rate", 1, &e));
	assert_int_equal(e.kind, BACKOFF_RATE);
	assert_true(reads("a/b", "weather", 1, &e));
	assert_int_equal(e.kind, BACKOFF_BREAKER);
	assert_true(reads("a/b", "rate", INT64_MAX, &e));
	assert_int_equal(e.wait_us, BACKOFF_WAIT_MAX_US);
	assert_false(reads("a/b", "rate", -1, &e));
	assert_false(reads("", "rate", 1, &e));
}

static void
newer(int64_t boot, int64_t number, int64_t than_boot, int64_t than_number,
    bool wanted)
{
	const struct capacity_epoch epoch = { boot, number },
				    than = { than_boot, than_number };

	assert_int_equal(capacity_is_newer(&epoch, &than), wanted);
}

static void
an_epoch_is_newer_by_its_boot_and_then_its_number(void **state)
{
	const int64_t one = (int64_t)9 << CAPACITY_BOOT_BITS;
	const int64_t other = (int64_t)8 << CAPACITY_BOOT_BITS;

	(void)state;
	newer(one + 1, 2, one + 1, 1, true);
	newer(one + 1, 1, one + 1, 1, false);
	newer(one + 1, 1, one + 1, 2, false);
	newer(one + 2, 1, one + 1, 9, true);
	newer(one + 1, 9, one + 2, 1, false);
	/* Enrolled anew: its boots count from one again. */
	newer(other + 1, 1, one + 5, 9, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_a_newer_egress_says_is_passed_over),
		cmocka_unit_test(
		    an_epoch_is_newer_by_its_boot_and_then_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
