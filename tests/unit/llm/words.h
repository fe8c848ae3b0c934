#pragma once
/* What was put out, parsed, and the words that stand in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/format/json.h"
#include "common/llm/fail.h"

static struct arena arena;
static struct buf out;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&out, 1 << 17);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_fini(&out);
	return 0;
}

static const struct json_value *
parsed(struct slice text)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&arena, text, &error);
	if (root == NULL)
		fail_msg("%s at %zu of %.*s", error.why, error.at,
		    SLICE_FMT(text));
	return root;
}

static void
assert_word(const struct json_value *object, const char *name, const char *want)
{
	const struct json_value *v = json_find(object, name);
	struct slice text;

	if (want == NULL) {
		assert_non_null(v);
		assert_int_equal(v->type, JSON_NULL);
		return;
	}
	assert_true(json_text(v, &arena, &text));
	if (!slice_is(text, want))
		fail_msg("%s is %.*s, not %s", name, SLICE_FMT(text), want);
}
