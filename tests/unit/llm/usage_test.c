#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/llm/usage.h"

/* What the text says; false when it says nothing. */
static bool
read_usage(struct usage *usage, const char *text)
{
	struct json_error error;
	struct arena arena;
	bool good;

	arena_init(&arena, 1 << 16);
	good = usage_of_chat(usage, json_parse(&arena, slice_of(text), &error));
	arena_fini(&arena);
	return good;
}

static void
buckets_are_disjoint(void **state)
{
	static const struct {
		const char *text;
		int64_t input, read, write, output, reasoning;
	} cases[] = {
		{ "{\"prompt_tokens\":2125,\"completion_tokens\":42,"
		  "\"total_tokens\":2167,\"prompt_tokens_details\":"
		  "{\"cached_tokens\":2000,\"audio_tokens\":0},"
		  "\"completion_tokens_details\":{\"reasoning_tokens\":10}}",
		    125, 2000, 0, 32, 10 },
		{ "{\"prompt_tokens\":100,\"completion_tokens\":5,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":40,"
		  "\"cache_write_tokens\":50}}",
		    10, 40, 50, 5, 0 },
		/* DeepSeek. */
		{ "{\"prompt_tokens\":100,\"completion_tokens\":5,"
		  "\"prompt_cache_hit_tokens\":64,"
		  "\"prompt_cache_miss_tokens\":36}",
		    36, 64, 0, 5, 0 },
		{ "{\"prompt_tokens\":7}", 7, 0, 0, 0, 0 },
		{ "{\"completion_tokens\":7}", 0, 0, 0, 7, 0 },
		{ "{\"prompt_tokens\":7,\"prompt_tokens_details\":null,"
		  "\"completion_tokens\":null}",
		    7, 0, 0, 0, 0 },
		/* What contradicts itself is clamped. */
		{ "{\"prompt_tokens\":10,\"completion_tokens\":5,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":90,"
		  "\"cache_write_tokens\":9},"
		  "\"completion_tokens_details\":{\"reasoning_tokens\":6}}",
		    0, 10, 0, 0, 5 },
		{ "{\"prompt_tokens\":-10,\"completion_tokens\":-5,"
		  "\"prompt_tokens_details\":{\"cached_tokens\":-1}}",
		    0, 0, 0, 0, 0 },
		{ "{\"prompt_tokens\":10,\"prompt_tokens_details\":"
		  "{\"cached_tokens\":-3,\"cache_write_tokens\":4}}",
		    6, 0, 4, 0, 0 },
		{ "{\"prompt_tokens\":9223372036854775807,"
		  "\"completion_tokens\":9223372036854775807}",
		    1000000000000, 0, 0, 1000000000000, 0 },
	};
	struct usage u;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		assert_true(read_usage(&u, cases[i].text));
		assert_int_equal(u.source, USAGE_PROVIDER);
		assert_true(u.input_tokens == cases[i].input);
		assert_true(u.cache_read_tokens == cases[i].read);
		assert_true(u.cache_write_tokens == cases[i].write);
		assert_true(u.output_tokens == cases[i].output);
		assert_true(u.reasoning_tokens == cases[i].reasoning);
	}
}

static void
without_figures_there_is_none(void **state)
{
	static const char *const none[] = { "null", "{}", "[]", "1", "\"x\"",
		"{\"total_tokens\":5}", "{\"prompt_tokens\":null}",
		"{\"prompt_tokens\":\"5\"}", "{\"prompt_tokens\":1.5}" };
	struct usage u = { .input_tokens = 9 };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(none); i++) {
		assert_false(read_usage(&u, none[i]));
		assert_int_equal(u.source, USAGE_NONE);
		assert_int_equal(u.input_tokens, 0);
	}
	assert_false(usage_of_chat(&u, NULL));
}

static void
the_stated_cost_is_kept_as_it_is(void **state)
{
	static const struct {
		const char *cost, *kept;
	} cases[] = { { "0.00014", "0.00014" }, { "1e-05", "1e-05" },
		{ "0", "0" }, { "null", "" }, { "\"0.1\"", "" },
		{ "{\"total_cost\":1}", "" },
		{ "0.123456789012345678901", "0.123456789012345678901" },
		{ "0.1234567890123456789012345", "0.123456789012345678901" },
		{ "1.2345678901234567890123e-5", "" },
		{ "123456789012345678901234567890", "" } };
	char text[128];
	struct usage u;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		snprintf(text, sizeof(text),
		    "{\"prompt_tokens\":1,\"cost\":%s}", cases[i].cost);
		assert_true(read_usage(&u, text));
		assert_string_equal(u.provider_cost, cases[i].kept);
	}
}

static void
estimates_are_bytes_over_four(void **state)
{
	struct usage u;

	(void)state;
	usage_estimate(&u, 0, 1);
	assert_int_equal(u.input_tokens, 0);
	assert_int_equal(u.output_tokens, 1);
	assert_int_equal(u.source, USAGE_ESTIMATED);
	usage_estimate(&u, 4000, 4001);
	assert_int_equal(u.input_tokens, 1000);
	assert_int_equal(u.output_tokens, 1001);
	usage_estimate(&u, -5, INT64_MAX);
	assert_int_equal(u.input_tokens, 0);
	assert_true(u.output_tokens > 0);
}

static void
sources_have_names(void **state)
{
	int i;

	(void)state;
	for (i = USAGE_NONE; i <= USAGE_ESTIMATED; i++)
		assert_int_equal(usage_source_by_name(slice_of(
				     usage_source_name((enum usage_source)i))),
		    i);
	assert_int_equal(usage_source_by_name(slice_of("?")), USAGE_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_disjoint),
		cmocka_unit_test(without_figures_there_is_none),
		cmocka_unit_test(the_stated_cost_is_kept_as_it_is),
		cmocka_unit_test(estimates_are_bytes_over_four),
		cmocka_unit_test(sources_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
