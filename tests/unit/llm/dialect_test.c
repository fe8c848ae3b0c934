#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/llm/dialect.h"

static void
dialects_have_names(void **state)
{
	(void)state;
	assert_string_equal(dialect_name(DIALECT_CHAT), "chat");
	assert_string_equal(dialect_name(DIALECT_RESPONSES), "responses");
	assert_string_equal(dialect_name(DIALECT_MESSAGES), "messages");
}

static void
both_are_found_by_name(void **state)
{
	enum operation found = OPERATION_COUNT;
	enum dialect dialect = DIALECT_CHAT;
	unsigned i;

	(void)state;
	for (i = 0; i < OPERATIONS; i++) {
		assert_true(operation_by_name(&found,
		    slice_of(operation_name((enum operation)i))));
		assert_int_equal(found, i);
	}
	assert_false(operation_by_name(&found, slice_of("dream")));
	for (i = 0; i < DIALECTS; i++) {
		assert_true(dialect_by_name(&dialect,
		    slice_of(dialect_name((enum dialect)i))));
		assert_int_equal(dialect, i);
	}
	assert_false(dialect_by_name(&dialect, slice_of("klingon")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dialects_have_names),
		cmocka_unit_test(both_are_found_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
