#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/report/criterion.h"

#define WHY_MAX 4096

static struct request_row
sample(void)
{
	return (struct request_row){
		.project = slice_of("checkout"),
		.target = slice_of("hub/meta/llama-4"),
		.status = 429,
		.tags = slice_of("run=17,stage=test,empty="),
	};
}

static void
assert_value(const char *name, const char *expected)
{
	const struct request_row row = sample();
	struct dimensions d;
	struct criterion c;
	struct buf why;

	buf_init(&why, WHY_MAX);
	dimensions_of_request(&d, &row);
	if (!criterion_read(&c, slice_of(name), &why))
		fail_msg("%s", buf_text(&why));
	if (!slice_is(criterion_value(&c, &d), expected))
		fail_msg("%s is %.*s", name,
		    SLICE_FMT(criterion_value(&c, &d)));
	criterion_write(&c, &why);
	assert_string_equal(buf_text(&why), name);
	buf_fini(&why);
}

static void
values_are_those_of_the_row(void **state)
{
	(void)state;
	assert_value("project", "checkout");
	assert_value("target", "hub/meta/llama-4");
	assert_value("provider", "hub");
	assert_value("model", "meta/llama-4");
	assert_value("status", "429");
	assert_value("tag.run", "17");
	assert_value("tag.stage", "test");
	assert_value("tag.empty", "");
	assert_value("tag.ru", "");
	assert_value("caller", "");
}

static void
what_is_none_is_said_with_what_there_is(void **state)
{
	struct criterion c;
	struct buf why;

	(void)state;
	buf_init(&why, WHY_MAX);
	assert_false(criterion_read(&c, slice_of("projet"), &why));
	assert_non_null(strstr(buf_text(&why), "no dimension 'projet'"));
	assert_non_null(strstr(buf_text(&why), "project, environment"));
	assert_false(criterion_read(&c, slice_of("tag."), &why));
	buf_fini(&why);
}

static bool
passes(const char *list)
{
	const struct request_row row = sample();
	struct filter f = { .count = 0 };
	struct dimensions d;
	struct buf why;

	buf_init(&why, WHY_MAX);
	dimensions_of_request(&d, &row);
	if (!filter_read(&f, slice_of(list), &why))
		fail_msg("%s", buf_text(&why));
	buf_fini(&why);
	return filter_passes(&f, &d);
}

static void
filters_of_one_criterion_are_alternatives(void **state)
{
	(void)state;
	assert_true(passes(""));
	assert_true(passes("project:checkout"));
	assert_false(passes("project:fraud"));
	assert_true(passes("project:fraud,project:checkout"));
	assert_true(passes("project:fraud,status:429,project:checkout"));
	assert_false(passes("project:checkout,status:200"));
	assert_true(passes("provider:hub,model:meta/llama-4,tag.run:17"));
	assert_false(passes("tag.run:18"));
	assert_true(passes("caller:"));
}

static void
a_filter_without_a_value_is_refused(void **state)
{
	struct filter f = { .count = 0 };
	struct buf why;

	(void)state;
	buf_init(&why, WHY_MAX);
	assert_false(filter_read(&f, slice_of("project"), &why));
	assert_non_null(strstr(buf_text(&why), "DIMENSION:VALUE"));
	f.count = FILTER_MAX;
	assert_false(filter_read(&f, slice_of("project:a"), &why));
	assert_false(filter_add(&f, DIMENSION_team, slice_of("a")));
	buf_fini(&why);
}

static void
dimensions_are_read_as_written(void **state)
{
	const struct request_row row = sample();
	struct dimensions d, again;
	struct buf out;
	size_t i;

	(void)state;
	dimensions_of_request(&d, &row);
	buf_init(&out, WHY_MAX);
	dimensions_write(&d, &out);
	assert_true(dimensions_read(&again, buf_slice(&out)));
	for (i = 0; i < DIMENSIONS; i++)
		assert_true(slice_eq(d.of[i], again.of[i]));
	for (i = 0; i < out.len; i++)
		assert_false(dimensions_read(&again, slice_make(out.data, i)));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_those_of_the_row),
		cmocka_unit_test(what_is_none_is_said_with_what_there_is),
		cmocka_unit_test(filters_of_one_criterion_are_alternatives),
		cmocka_unit_test(a_filter_without_a_value_is_refused),
		cmocka_unit_test(dimensions_are_read_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
