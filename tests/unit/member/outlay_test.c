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
	o.days[1].sums.of[BUDGET_TOKENS] = INT64_MAX;
	assert_false(is_read(&o));
	assert_false(outlay_read(&o, slice_make("\xc1", 1)));
	assert_false(outlay_read(&o, slice_make("", 0)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(what_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
