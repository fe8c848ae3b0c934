#include "common/member/outlay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/buf.h"

static struct outlay
sample(size_t count)
{
	struct outlay o = { .count = count };
	size_t i;

	for (i = 0; i < count; i++)
		o.days[i] = (struct outlay_day){ 20000 + (int64_t)i,
			{ { (int64_t)i, 10 * (int64_t)i, 1000 } } };
	return o;
}

static void
what_is_written_is_read(void **state)
{
	struct outlay o, again;
	struct buf b;
	size_t n;

	(void)state;
	for (n = 0; n <= OUTLAY_DAYS_MAX; n += 8) {
		o = sample(n);
		memset(&again, 0, sizeof(again));
		buf_init(&b, 65536);
		outlay_write(&b, &o);
		assert_true(outlay_read(&again, buf_slice(&b)));
		assert_int_equal(again.count, n);
		assert_memory_equal(again.days, o.days, n * sizeof(o.days[0]));
		buf_fini(&b);
	}
}

static bool
is_read(const struct outlay *o)
{
	struct outlay again;
	struct buf b;
	bool read;

	buf_init(&b, 65536);
	outlay_write(&b, o);
	read = outlay_read(&again, buf_slice(&b));
	buf_fini(&b);
	return read;
}

static void
what_cannot_be_is_refused(void **state)
{
	struct outlay o = sample(3);

	(void)state;
	o.days[2].day = o.days[1].day;
	assert_false(is_read(&o));
	o = sample(3);
	o.days[0].day = 0;
	assert_false(is_read(&o));
	o = sample(3);
	o.days[1].sums.of[BUDGET_MICROUSD] = -1;
	assert_false(is_read(&o));
	o = sample(3);
	o.days[1].sums.of[BUDGET_TOKENS] = OUTLAY_SUM_MAX;
	assert_true(is_read(&o));
	o.days[1].sums.of[BUDGET_TOKENS] = OUTLAY_SUM_MAX + 1;
	assert_false(is_read(&o));
	assert_false(outlay_read(&o, slice_make("\xc1", 1)));
	assert_false(outlay_read(&o, slice_make("", 0)));
}

static void
what_changed_is_told_twice(void **state)
{
	struct outlay_pace p = { .told = 0 };
	int i;

	(void)state;
	assert_true(outlay_due(&p, 0)); /* the first */
	assert_false(outlay_due(&p, 0));
	/* The row of the last one may not have been written at this tick. */
	assert_true(outlay_due(&p, 3));
	assert_true(outlay_due(&p, 3));
	assert_false(outlay_due(&p, 3));
	for (i = 4; i < 9; i++)
		assert_true(outlay_due(&p, (uint64_t)i));
	assert_true(outlay_due(&p, 8));
	assert_false(outlay_due(&p, 8));
}

static void
all_is_told_anew_now_and_then(void **state)
{
	struct outlay_pace p = { .told = 0 };
	int i, told = 0;

	(void)state;
	assert_true(outlay_due(&p, 0));
	for (i = 0; i < 10 * (OUTLAY_ANEW_TICKS + 1); i++)
		told += outlay_due(&p, 0);
	assert_int_equal(told, 10);
	outlay_anew(&p);
	assert_true(outlay_due(&p, 0));
	assert_false(outlay_due(&p, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(what_changed_is_told_twice),
		cmocka_unit_test(all_is_told_anew_now_and_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
