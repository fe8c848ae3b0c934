#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/preface.h"

static void
has(const struct preface *p, size_t i, const char *name, const char *value)
{
	assert_true(i < p->count);
	assert_string_equal(p->fields[i].name, name);
	assert_true(slice_is(p->fields[i].value, value));
}

static void
only_messages_says_its_version(void **state)
{
	const struct slice none = slice_of(""), beta = slice_of("a-1, b-2");
	struct preface p;

	(void)state;
	p = preface_of(DIALECT_CHAT, slice_of("2023-06-01"), beta);
	assert_int_equal(p.count, 1);
	has(&p, 0, "Content-Type", "application/json");
	p = preface_of(DIALECT_RESPONSES, none, none);
	assert_int_equal(p.count, 1);
	p = preface_of(DIALECT_MESSAGES, none, none);
	assert_int_equal(p.count, 2);
	has(&p, 1, "anthropic-version", "2023-06-01");
	p = preface_of(DIALECT_MESSAGES, slice_of("2027-01-01"), beta);
	assert_int_equal(p.count, 3);
	has(&p, 1, "anthropic-version", "2027-01-01");
	has(&p, 2, "anthropic-beta", "a-1, b-2");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_messages_says_its_version),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
