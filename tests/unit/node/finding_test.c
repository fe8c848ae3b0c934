#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/utf8.h"
#include "common/llm/shape.h"
#include "node/finding.h"
#include "node/route.h"
#include "node/strategy/contract.h"
#include "tests/unit/node/planning.h"

#define LONG_BYTES 4000

static void
texts_of_any_length_fit_an_entry(void **state)
{
	char text[LONG_BYTES + 1], name[256];
	struct route route = { .supports_text = "" };
	struct shape shape = { .choices = 1 };
	struct decision found;
	struct planning p;
	struct arena arena;
	struct buf bytes;
	struct id id = { { 0 } };
	size_t i;

	(void)state;
	/* Characters of two bytes, at odd places. */
	text[0] = 'x';
	for (i = 1; i < LONG_BYTES; i++)
		text[i] = i % 2 != 0 ? '\xc3' : '\xa9';
	text[LONG_BYTES] = '\0';
	memset(name, 'n', sizeof(name));
	planning_init(&p, TARGETS_MAX);
	p.wish.shape = &shape;
	p.plan.failed = p.plan.policy_order = "";
	route.region = slice_of(text);
	for (i = 0; i < TARGETS_MAX; i++) {
		p.listed[i].model = slice_make(name, sizeof(name));
		p.candidates[i].route = &route;
		p.candidates[i].excluded = EXCLUSION_NOT_CARRIED;
		p.candidates[i].detail = text;
	}
	const struct contract_wish wish = {
		.plan = &p.plan,
		.wish = &p.wish,
	};

	arena_init(&arena, 1 << 20);
	buf_init(&bytes, ROW_BYTES_MAX);
	finding_rows(&found, &arena, &wish, &id);
	decision_write(&bytes, &found.row, found.candidates, found.count);
	assert_false(bytes.failed);
	for (i = 0; i < TARGETS_MAX; i++) {
		struct slice detail = found.candidates[i].detail;
		const char *at = detail.ptr, *end = detail.ptr + detail.len;

		assert_true(detail.len > 100);
		assert_memory_equal(detail.ptr, text, detail.len);
		for (; at < end; at += utf8_char(at, end))
			assert_true(utf8_char(at, end) > 0);
	}
	buf_fini(&bytes);
	arena_fini(&arena);
}

static void
short_texts_stay_as_they_are(void **state)
{
	struct route route = { .supports_text = "tools",
		.region = slice_of("eu") };
	struct shape shape = { .choices = 1 };
	struct decision found;
	struct planning p;
	struct arena arena;
	struct id id = { { 0 } };

	(void)state;
	planning_init(&p, 1);
	p.wish.shape = &shape;
	p.plan.failed = p.plan.policy_order = "";
	p.listed[0].model = slice_of("p/m");
	p.candidates[0].route = &route;
	p.candidates[0].excluded = EXCLUSION_CAPABILITY;
	p.candidates[0].detail = "images";
	const struct contract_wish wish = {
		.plan = &p.plan,
		.wish = &p.wish,
	};

	arena_init(&arena, 1 << 20);
	finding_rows(&found, &arena, &wish, &id);
	assert_int_equal(found.count, 1);
	assert_true(slice_is(found.candidates[0].detail, "images"));
	assert_true(slice_is(found.candidates[0].region, "eu"));
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_any_length_fit_an_entry),
		cmocka_unit_test(short_texts_stay_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
