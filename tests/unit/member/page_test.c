#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/member/page.h"

static bool
has(const struct page_file *file, const char *text)
{
	return memmem(file->text, file->size, text, strlen(text)) != NULL;
}

static void
the_document_and_what_it_names_are_there(void **state)
{
	const struct page_file *file = page_find(slice_of(""));
	const char *at, *end;

	(void)state;
	assert_non_null(file);
	assert_true(slice_starts(slice_of(file->type), "text/html"));
	for (at = file->text; (at = strstr(at, "\"/admin/")) != NULL;
	     at = end) {
		at += strlen("\"/admin/");
		end = strchr(at, '"');
		assert_non_null(page_find(slice_make(at, (size_t)(end - at))));
	}
}

static void
nothing_else_is(void **state)
{
	(void)state;
	assert_null(page_find(slice_of("page/")));
	assert_null(page_find(slice_of("page/../page/app.js")));
	assert_null(page_find(slice_of("page/package.json")));
	assert_null(page_find(slice_of("requests")));
	assert_non_null(page_find(slice_of("page/app.js")));
}

/* The policy forbids scripts and styles within the document. */
static void
the_document_keeps_to_its_policy(void **state)
{
	const struct page_file *file = page_find(slice_of(""));

	(void)state;
	assert_false(has(file, "<style"));
	assert_false(has(file, " style="));
	assert_false(has(file, " onclick="));
	assert_false(has(file, "http://"));
	assert_false(has(file, "https://"));
}

static void
the_chart_library_comes_with_its_license(void **state)
{
	(void)state;
	assert_true(has(page_find(slice_of("page/uplot/uplot.js")),
	    "export { uPlot as default }"));
	assert_true(has(page_find(slice_of("page/uplot/LICENSE.txt")),
	    "Permission is hereby granted"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_and_what_it_names_are_there),
		cmocka_unit_test(nothing_else_is),
		cmocka_unit_test(the_document_keeps_to_its_policy),
		cmocka_unit_test(the_chart_library_comes_with_its_license),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
