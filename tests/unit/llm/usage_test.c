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
read_as(enum dialect dialect, struct usage *usage, const char *text)
{
	struct json_error error;
	struct arena arena;
	bool good;

	arena_init(&arena, 1 << 16);
	good = usage_read(usage, dialect,
	    json_parse(&arena, slice_of(text), &error));
	arena_fini(&arena);
	return good;
}

static bool
read_usage(struct usage *usage, const char *text)
{
	return read_as(DIALECT_CHAT, usage, text);
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
each_dialect_has_its_words(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *text;
		int64_t input, read, write, hour, output, reasoning;
	} cases[] = {
		{ DIALECT_RESPONSES,
		    "{\"input_tokens\":2125,\"input_tokens_details\":"
		    "{\"cached_tokens\":2000,\"cache_write_tokens\":25},"
		    "\"output_tokens\":42,\"output_tokens_details\":"
		    "{\"reasoning_tokens\":10},\"total_tokens\":2167}",
		    100, 2000, 25, 0, 32, 10 },
		{ DIALECT_RESPONSES,
		    "{\"input_tokens\":5,\"input_tokens_details\":null,"
		    "\"output_tokens\":0}",
		    5, 0, 0, 0, 0, 0 },
		{ DIALECT_RESPONSES,
		    "{\"input_tokens\":5,\"input_tokens_details\":"
		    "{\"cached_tokens\":9},\"output_tokens\":1,"
		    "\"output_tokens_details\":{\"reasoning_tokens\":2}}",
		    0, 5, 0, 0, 0, 1 },
		{ DIALECT_MESSAGES,
		    "{\"input_tokens\":25,\"cache_creation_input_tokens\":100,"
		    "\"cache_read_input_tokens\":2000,\"cache_creation\":"
		    "{\"ephemeral_5m_input_tokens\":60,"
		    "\"ephemeral_1h_input_tokens\":40},\"output_tokens\":42,"
		    "\"output_tokens_details\":{\"thinking_tokens\":12}}",
		    25, 2000, 60, 40, 30, 12 },
		{ DIALECT_MESSAGES,
		    "{\"input_tokens\":0,\"cache_creation_input_tokens\":null,"
		    "\"cache_read_input_tokens\":null,\"output_tokens\":3,"
		    "\"cache_creation\":null}",
		    0, 0, 0, 0, 3, 0 },
		{ DIALECT_MESSAGES,
		    "{\"input_tokens\":1,\"cache_creation_input_tokens\":10,"
		    "\"cache_creation\":{\"ephemeral_1h_input_tokens\":90},"
		    "\"output_tokens\":-1}",
		    1, 0, 0, 10, 0, 0 },
	};
	struct usage u;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		assert_true(read_as(cases[i].dialect, &u, cases[i].text));
		assert_int_equal(u.input_tokens, cases[i].input);
		assert_int_equal(u.cache_read_tokens, cases[i].read);
		assert_int_equal(u.cache_write_tokens, cases[i].write);
		assert_int_equal(u.cache_write_1h_tokens, cases[i].hour);
		assert_int_equal(u.output_tokens, cases[i].output);
		assert_int_equal(u.reasoning_tokens, cases[i].reasoning);
	}
	assert_false(read_as(DIALECT_MESSAGES, &u, "{\"prompt_tokens\":1}"));
	assert_false(read_as(DIALECT_CHAT, &u, "{\"input_tokens\":1}"));
}

static void
update(struct usage *usage, const char *text)
{
	struct json_error error;
	struct arena arena;

	arena_init(&arena, 1 << 16);
	assert_true(usage_update(usage, DIALECT_MESSAGES,
	    json_parse(&arena, slice_of(text), &error)));
	arena_fini(&arena);
}

static void
later_figures_go_over_earlier_ones(void **state)
{
	struct usage u;

	(void)state;
	assert_true(read_as(DIALECT_MESSAGES, &u,
	    "{\"input_tokens\":25,\"cache_creation_input_tokens\":100,"
	    "\"cache_read_input_tokens\":2000,\"cache_creation\":"
	    "{\"ephemeral_1h_input_tokens\":100},\"output_tokens\":1}"));
	update(&u, "{\"input_tokens\":null,\"output_tokens\":42}");
	assert_int_equal(u.input_tokens, 25);
	assert_int_equal(u.cache_read_tokens, 2000);
	assert_int_equal(u.cache_write_tokens, 0);
	assert_int_equal(u.cache_write_1h_tokens, 100);
	assert_int_equal(u.output_tokens, 42);
	assert_string_equal(u.provider_figures,
	    "input_tokens=25 cache_creation_input_tokens=100 "
	    "cache_read_input_tokens=2000 "
	    "cache_creation.ephemeral_1h_input_tokens=100 output_tokens=42");
	update(&u, "{\"input_tokens\":26,\"output_tokens\":43,"
		   "\"output_tokens_details\":{\"thinking_tokens\":3}}");
	assert_int_equal(u.input_tokens, 26);
	assert_int_equal(u.output_tokens, 40);
	assert_int_equal(u.reasoning_tokens, 3);
	assert_int_equal(u.cache_read_tokens, 2000);
	update(&u, "{\"input_tokens\":7,\"cache_read_input_tokens\":30000,"
		   "\"output_tokens\":8}");
	assert_string_equal(u.provider_figures,
	    "input_tokens=7 cache_creation_input_tokens=100 "
	    "cache_read_input_tokens=30000 "
	    "cache_creation.ephemeral_1h_input_tokens=100 output_tokens=8 "
	    "output_tokens_details.thinking_tokens=3");
}

static void
the_providers_figures_are_kept(void **state)
{
	static const char *const wide[] = {
		("{\"prompt_tokens\":1,\"a b\":2,\"c=d\":3,\"\\u00e9\":4,"
		 "\"\":5,\"x\":\"6\",\"y\":[7],\"z\":{\"deep\":{\"er\":8}}}"),
		"prompt_tokens=1 z.deep.er=8",
		"{\"prompt_tokens\":1,\"cost\":1e-05,\"n\":-2,\"prompt\":9}",
		"prompt_tokens=1 cost=1e-05 n=-2 prompt=9",
	};
	struct usage u;
	char text[4096];
	size_t i, n;

	(void)state;
	for (i = 0; i < count_of(wide); i += 2) {
		assert_true(read_usage(&u, wide[i]));
		assert_string_equal(u.provider_figures, wide[i + 1]);
	}
	n = (size_t)snprintf(text, sizeof(text), "{\"prompt_tokens\":1");
	for (i = 0; i < 60; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    ",\"figure_%02zu\":%zu", i, i);
	snprintf(text + n, sizeof(text) - n, "}");
	assert_true(read_usage(&u, text));
	n = strlen(u.provider_figures);
	assert_in_range(n, 300, sizeof(u.provider_figures) - 1);
	assert_non_null(strstr(u.provider_figures, "figure_20=20 figure_21"));
	assert_true(u.provider_figures[n - 3] == '=');
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
	assert_false(usage_read(&u, DIALECT_CHAT, NULL));
}

static void
the_stated_cost_is_kept_as_it_is(void **state)
{
	static const struct {
		const char *cost, *kept;
	} cases[] = { { "0.00014", "0.00014" }, { "1e-05", "1e-05" },
		{ "0", "0" }, { "null", "" }, { "\"0.1\"", "" },
		{ "{\"total_cost\":0.5}", "0.5" }, { "{\"total\":1}", "" },
		{ "[1]", "" },
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

/* Images are a part of what was read anew. */
static void
images_and_searches_are_counted(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *text;
		int64_t input, images, searches;
	} cases[] = {
		{ DIALECT_CHAT,
		    "{\"prompt_tokens\":1000,\"prompt_tokens_details\":"
		    "{\"cached_tokens\":200,\"image_tokens\":700}}",
		    800, 700, 0 },
		{ DIALECT_CHAT,
		    "{\"prompt_tokens\":1000,\"prompt_tokens_details\":"
		    "{\"cached_tokens\":600,\"image_tokens\":700}}",
		    400, 400, 0 },
		{ DIALECT_RESPONSES,
		    "{\"input_tokens\":1000,\"input_tokens_details\":"
		    "{\"cached_tokens\":600,\"image_tokens\":700,"
		    "\"cached_tokens_details\":{\"image_tokens\":600}}}",
		    400, 100, 0 },
		{ DIALECT_CHAT,
		    "{\"prompt_tokens\":5,\"prompt_tokens_details\":"
		    "{\"image_tokens\":-3}}",
		    5, 0, 0 },
		{ DIALECT_MESSAGES,
		    "{\"input_tokens\":5,\"server_tool_use\":"
		    "{\"web_search_requests\":3,\"web_fetch_requests\":9}}",
		    5, 0, 3 },
		{ DIALECT_MESSAGES,
		    "{\"input_tokens\":5,\"server_tool_use\":null}", 5, 0, 0 },
	};
	struct usage u;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		assert_true(read_as(cases[i].dialect, &u, cases[i].text));
		assert_int_equal(u.input_tokens, cases[i].input);
		assert_int_equal(u.image_tokens, cases[i].images);
		assert_int_equal(u.web_searches, cases[i].searches);
	}
	usage_note_tools(&u, NULL);
	assert_int_equal(u.web_searches, 0);
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

static void
buckets_add_up_to_what_was_used(void **state)
{
	struct usage u = { .input_tokens = 1,
		.cache_read_tokens = 20,
		.cache_write_tokens = 300,
		.cache_write_1h_tokens = 4000,
		.output_tokens = 50000,
		.reasoning_tokens = 600000 };

	(void)state;
	assert_int_equal(usage_input(&u), 4321);
	assert_int_equal(usage_written(&u), 4300);
	assert_int_equal(usage_output(&u), 650000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_are_disjoint),
		cmocka_unit_test(each_dialect_has_its_words),
		cmocka_unit_test(later_figures_go_over_earlier_ones),
		cmocka_unit_test(the_providers_figures_are_kept),
		cmocka_unit_test(without_figures_there_is_none),
		cmocka_unit_test(the_stated_cost_is_kept_as_it_is),
		cmocka_unit_test(images_and_searches_are_counted),
		cmocka_unit_test(estimates_are_bytes_over_four),
		cmocka_unit_test(sources_have_names),
		cmocka_unit_test(buckets_add_up_to_what_was_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
