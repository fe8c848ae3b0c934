#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/format/weave.h"

#define ARENA_MAX ((size_t)256 << 20)
#define LONG      (4 * WEAVE_SPAN_MIN)

struct fixture {
	struct arena arena;
	struct weave w;
	char raw[LONG]; /* a JSON string */
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	weave_init(&f->w);
	memset(f->raw, 'x', LONG);
	f->raw[0] = f->raw[LONG - 1] = '"';
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	weave_fini(&f->w);
	arena_fini(&f->arena);
	free(f);
	return 0;
}

/* The parts in a row, as text. */
static const char *
woven(struct fixture *f, size_t *count)
{
	struct slice *parts;
	struct buf all;
	size_t i, bytes;
	const char *text;

	buf_init(&all, ARENA_MAX);
	parts = weave_parts(&f->w, &f->arena, count, &bytes);
	for (i = 0; i < *count; i++) {
		assert_true(parts[i].len > 0);
		buf_put_slice(&all, parts[i]);
	}
	assert_int_equal(all.len, bytes);
	text = arena_text(&f->arena, buf_slice(&all));
	buf_fini(&all);
	return text;
}

static void
short_values_are_copied_with_their_commas(void **state)
{
	struct fixture *f = *state;
	struct json_writer *j = &f->w.json;
	size_t count;

	json_open(j, '{');
	weave_field(&f->w, "a", slice_of("[1]"));
	weave_field(&f->w, "gone", slice_of(""));
	json_key(j, "b");
	json_open(j, '[');
	weave_raw(&f->w, slice_of("1"));
	weave_raw(&f->w, slice_of("{}"));
	weave_string_begin(&f->w);
	weave_text(&f->w, "x");
	weave_inside(&f->w, slice_of("\\n"));
	weave_inside(&f->w, slice_make(NULL, 0));
	weave_string_end(&f->w);
	json_close(j, ']');
	json_field_int(j, "c", 3);
	json_close(j, '}');
	assert_string_equal(woven(f, &count),
	    "{\"a\":[1],\"b\":[1,{},\"x\\n\"],\"c\":3}");
	assert_int_equal(count, 1);
}

static void
long_values_stay_where_they_are(void **state)
{
	struct fixture *f = *state;
	struct slice raw = slice_make(f->raw, LONG), *parts;
	size_t count, bytes;

	json_open(&f->w.json, '[');
	weave_raw(&f->w, raw);
	weave_raw(&f->w, raw);
	weave_string_begin(&f->w);
	weave_inside(&f->w, slice_make(f->raw + 1, LONG - 2));
	weave_inside(&f->w, slice_make(f->raw + 1, LONG - 2));
	weave_string_end(&f->w);
	json_close(&f->w.json, ']');
	parts = weave_parts(&f->w, &f->arena, &count, &bytes);
	assert_int_equal(count, 8);
	assert_int_equal(bytes, 1 + LONG + 1 + LONG + 2 + 2 * LONG - 4 + 2);
	assert_ptr_equal(parts[1].ptr, f->raw);
	assert_ptr_equal(parts[3].ptr, f->raw);
	assert_ptr_equal(parts[5].ptr, f->raw + 1);
	assert_ptr_equal(parts[6].ptr, f->raw + 1);
}

static void
a_span_may_lead_and_end(void **state)
{
	struct fixture *f = *state;
	size_t count;

	weave_raw(&f->w, slice_make(f->raw, LONG));
	assert_memory_equal(woven(f, &count), f->raw, LONG);
	assert_int_equal(count, 1);
}

static void
nothing_is_no_part(void **state)
{
	struct fixture *f = *state;
	size_t count;

	assert_string_equal(woven(f, &count), "");
	assert_int_equal(count, 0);
}

static void
too_much_that_is_new_is_noted(void **state)
{
	struct fixture *f = *state;
	struct slice piece = slice_make(f->raw + 1, WEAVE_SPAN_MIN - 1);
	size_t i;

	for (i = 0; i < WEAVE_FRESH_MAX / WEAVE_SPAN_MIN; i++)
		weave_inside(&f->w, piece);
	assert_false(f->w.fresh.failed);
	for (i = 0; i < WEAVE_FRESH_MAX / WEAVE_SPAN_MIN; i++)
		weave_inside(&f->w, piece);
	assert_true(f->w.fresh.failed);
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(short_values_are_copied_with_their_commas),
		story(long_values_stay_where_they_are),
		story(a_span_may_lead_and_end),
		story(nothing_is_no_part),
		story(too_much_that_is_new_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
