#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/llm/ownership.h"

/* Who reads a row learns what becomes of the key, and what to do about it. */
static void
every_row_explains_itself(void **state)
{
	struct ownership row;
	size_t i, leaves = 0, cures = 0;

	(void)state;
	for (i = 0; ownership_at(&row, i); i++) {
		assert_true(strlen(row.key) > 0);
		assert_true(strlen(row.becomes) > 0);
		assert_int_not_equal(row.dialects, 0);
		assert_int_equal(row.dialects & ~IN_ANY, 0);
		leaves += row.leave != 0;
		cures += row.cure[0] != '\0';
		assert_false(row.leave != 0 && row.cure[0] != '\0');
	}
	assert_true(leaves > 0);
	assert_true(cures > 0);
	assert_false(ownership_at(&row, i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_explains_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
