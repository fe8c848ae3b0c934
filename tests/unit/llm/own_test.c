#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/own.h"

static struct arena arena;
static struct buf result;
static struct splice splice;
static const char *why;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	buf_init(&result, 1 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	buf_fini(&result);
	return 0;
}

static bool
own(const char *text, const struct own_terms *terms)
{
	struct json_index body;
	struct json_error error;
	size_t i;

	assert_true(json_index(&body, &arena, slice_of(text), &error));
	if (!own_chat(&splice, &arena, &body, terms, &why))
		return false;
	buf_reset(&result);
	for (i = 0; i < splice.count; i++) {
		assert_true(splice.parts[i].len > 0);
		buf_put_slice(&result, splice.parts[i]);
	}
	assert_int_equal(splice.bytes, result.len);
	assert_true(json_index(&body, &arena, buf_slice(&result), &error));
	return true;
}

/* The body, what has to become of it, and how many keys that touches. */
struct change {
	const char *body, *want;
	unsigned changes;
};

static void
assert_changes(const struct change *cases, size_t count,
    const struct own_terms *terms)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!own(cases[i].body, terms))
			fail_msg("%s: %s", cases[i].body, why);
		assert_string_equal(buf_text(&result), cases[i].want);
		assert_int_equal(splice.changes, cases[i].changes);
		if (cases[i].changes > 0)
			continue;
		assert_int_equal(splice.count, 1);
		assert_ptr_equal(splice.parts[0].ptr, cases[i].body);
	}
}

static void
sets_the_model(void **state)
{
	static const struct change cases[] = {
		{ "{\"model\":\"group\"}", "{\"model\":\"gpt-5\"}", 1 },
		{ "{\"model\":\"gpt-5\"}", "{\"model\":\"gpt-5\"}", 0 },
		{ "{\"model\":\"gpt\\u002d5\"}", "{\"model\":\"gpt\\u002d5\"}",
		    0 },
		{ " { \"x\" : 1e400 ,\n\"mod\\u0065l\" : \"g\" , \"y\":\"\xc3"
		  "\xa9\"} ",
		    " { \"x\" : 1e400 ,\n\"mod\\u0065l\" : \"gpt-5\" , "
		    "\"y\":\"\xc3\xa9\"} ",
		    1 },
		{ "{\"a\":{\"model\":\"g\"},\"model\":\"g\"}",
		    "{\"a\":{\"model\":\"g\"},\"model\":\"gpt-5\"}", 1 },
	};
	const struct own_terms terms = { .model = slice_of("gpt-5") };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
}

static void
a_model_is_quoted(void **state)
{
	const struct own_terms terms = { .model = slice_of("a\"b\\c\n") };

	(void)state;
	assert_true(own("{\"model\":\"g\"}", &terms));
	assert_string_equal(buf_text(&result),
	    "{\"model\":\"a\\\"b\\\\c\\n\"}");
}

static void
caps_the_output(void **state)
{
	static const struct change cases[] = {
		{ "{\"model\":\"m\",\"max_tokens\":101}",
		    "{\"model\":\"m\",\"max_tokens\":100}", 1 },
		{ "{\"model\":\"m\",\"max_tokens\":100}",
		    "{\"model\":\"m\",\"max_tokens\":100}", 0 },
		{ "{\"model\":\"m\",\"max_tokens\":1}",
		    "{\"model\":\"m\",\"max_tokens\":1}", 0 },
		{ "{\"max_completion_tokens\":500,\"model\":\"m\","
		  "\"max_tokens\":9000}",
		    "{\"max_completion_tokens\":100,\"model\":\"m\","
		    "\"max_tokens\":100}",
		    2 },
		{ "{\"model\":\"m\",\"max_completion_tokens\":7}",
		    "{\"model\":\"m\",\"max_completion_tokens\":7}", 0 },
		{ "{\"model\":\"m\"}", "{\"model\":\"m\",\"max_tokens\":100}",
		    1 },
		{ "{\"model\":\"m\",\"max_tokens\":null,\"x\":1}",
		    "{\"model\":\"m\",\"max_tokens\":100,\"x\":1}", 1 },
		{ "{\"model\":\"m\",\"max_completion_tokens\":null}",
		    "{\"model\":\"m\",\"max_completion_tokens\":null,"
		    "\"max_tokens\":100}",
		    1 },
		{ "{\"model\":\"m\",\"max_tokens\":null,"
		  "\"max_completion_tokens\":200}",
		    "{\"model\":\"m\",\"max_tokens\":null,"
		    "\"max_completion_tokens\":100}",
		    1 },
	};
	const struct own_terms terms = { .model = slice_of("m"),
		.output_cap = 100,
		.cap_key = "max_tokens" };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
}

static void
no_cap_changes_nothing(void **state)
{
	static const struct change cases[] = {
		{ "{\"model\":\"m\"}", "{\"model\":\"m\"}", 0 },
		{ "{\"model\":\"m\",\"max_tokens\":9000}",
		    "{\"model\":\"m\",\"max_tokens\":9000}", 0 },
	};
	const struct own_terms terms = { .model = slice_of("m"),
		.cap_key = "max_tokens" };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
}

#define STREAM "{\"model\":\"m\",\"stream\":true"

static void
asks_for_usage_in_streams(void **state)
{
	static const struct change cases[] = {
		{ STREAM "}",
		    STREAM ",\"stream_options\":{\"include_usage\":true}}", 1 },
		{ STREAM ",\"stream_options\":null}",
		    STREAM ",\"stream_options\":{\"include_usage\":true}}", 1 },
		{ STREAM ",\"stream_options\":{}}",
		    STREAM ",\"stream_options\":{\"include_usage\":true}}", 1 },
		{ STREAM ",\"stream_options\":{ \"x\":1 } }",
		    STREAM ",\"stream_options\":{ \"x\":1,"
			   "\"include_usage\":true } }",
		    1 },
		{ STREAM ",\"stream_options\":{\"include_usage\":false,"
			 "\"x\":1}}",
		    STREAM ",\"stream_options\":{\"include_usage\":true,"
			   "\"x\":1}}",
		    1 },
		{ STREAM ",\"stream_options\":{\"include_usage\":null}}",
		    STREAM ",\"stream_options\":{\"include_usage\":true}}", 1 },
		{ STREAM ",\"stream_options\":{\"include_usage\":true}}",
		    STREAM ",\"stream_options\":{\"include_usage\":true}}", 0 },
	};
	const struct own_terms terms = { .model = slice_of("m"),
		.stream = true,
		.usage_in_stream = true };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
}

static void
leaves_stream_options_alone_otherwise(void **state)
{
	static const struct change whole = {
		"{\"model\":\"m\",\"stream_options\":7,\"stream\":null}",
		"{\"model\":\"m\",\"stream_options\":7,\"stream\":null}", 0
	};
	static const struct change stream = { STREAM ",\"stream_options\":{}}",
		STREAM ",\"stream_options\":{}}", 0 };
	struct own_terms terms = { .model = slice_of("m"),
		.usage_in_stream = true };

	(void)state;
	assert_changes(&whole, 1, &terms);
	terms.stream = true;
	terms.usage_in_stream = false;
	assert_changes(&stream, 1, &terms);
}

static void
all_at_once_in_any_order(void **state)
{
	static const struct change cases[] = {
		{ "{\"stream_options\":{\"include_usage\":false},"
		  "\"stream\":true,\"max_tokens\":500,"
		  "\"max_completion_tokens\":600,\"messages\":[],"
		  "\"model\":\"group\"}",
		    "{\"stream_options\":{\"include_usage\":true},"
		    "\"stream\":true,\"max_tokens\":100,"
		    "\"max_completion_tokens\":100,\"messages\":[],"
		    "\"model\":\"m\"}",
		    4 },
		{ "{\"stream\":true,\"model\":\"group\"}",
		    "{\"stream\":true,\"model\":\"m\","
		    "\"max_completion_tokens\":100,"
		    "\"stream_options\":{\"include_usage\":true}}",
		    3 },
		{ "{\"model\":\"group\",\"stream\":true,"
		  "\"stream_options\":{\"x\":1}}",
		    "{\"model\":\"m\",\"stream\":true,"
		    "\"stream_options\":{\"x\":1,\"include_usage\":true},"
		    "\"max_completion_tokens\":100}",
		    3 },
	};
	const struct own_terms terms = { slice_of("m"), 100,
		"max_completion_tokens", true, true };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
}

static void
wrong_types_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *field;
	} bad[] = {
		{ "{}", "model" },
		{ "{\"model\":null}", "model" },
		{ "{\"model\":[\"m\"]}", "model" },
		{ STREAM ",\"max_tokens\":0}", "max_tokens" },
		{ STREAM ",\"max_tokens\":-5}", "max_tokens" },
		{ STREAM ",\"max_tokens\":5.0}", "max_tokens" },
		{ STREAM ",\"max_tokens\":\"5\"}", "max_tokens" },
		{ STREAM ",\"max_completion_tokens\":{}}",
		    "max_completion_tokens" },
		{ STREAM ",\"stream_options\":true}", "stream_options" },
		{ STREAM ",\"stream_options\":{\"include_usage\":\"yes\"}}",
		    "stream_options.include_usage" },
		{ "{\"model\":\"m\",\"stream\":\"true\"}", "stream" },
		{ "{\"model\":\"m\",\"stream\":false}", "stream" },
		{ "{\"model\":\"m\"}", "stream" },
	};
	const struct own_terms terms = { slice_of("m"), 0, "max_tokens", true,
		true };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		if (own(bad[i].text, &terms))
			fail_msg("%s was taken", bad[i].text);
		if (!slice_starts(slice_of(why), bad[i].field))
			fail_msg("%s: %s", bad[i].text, why);
	}
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(sets_the_model),
		FRESH(a_model_is_quoted),
		FRESH(caps_the_output),
		FRESH(no_cap_changes_nothing),
		FRESH(asks_for_usage_in_streams),
		FRESH(leaves_stream_options_alone_otherwise),
		FRESH(all_at_once_in_any_order),
		FRESH(wrong_types_are_refused_by_name),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
