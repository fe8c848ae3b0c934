#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/shape.h"

static struct arena arena;
static struct json_index body;
static struct shape shape;
static const char *why;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

static bool
read_shape(struct slice text)
{
	struct json_error error;

	assert_true(json_index(&body, &arena, text, &error));
	return shape_of_chat(&shape, &arena, &body, &why);
}

#define MODEL    "\"model\":\"fast\""
#define MESSAGES "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define PLAIN    MODEL "," MESSAGES

static void
a_plain_request(void **state)
{
	(void)state;
	assert_true(read_shape(slice_of("{" PLAIN "}")));
	assert_null(why);
	assert_int_equal(shape.dialect, DIALECT_CHAT);
	assert_true(slice_is(shape.model, "fast"));
	assert_false(shape.stream || shape.wants_usage || shape.tools);
	assert_int_equal(shape.choices, 1);
	assert_int_equal(shape.output_cap, 0);
}

static void
a_full_request(void **state)
{
	(void)state;
	assert_true(read_shape(slice_of("{\"model\":\"f\\u0061st\"," MESSAGES
					",\"stream\":true,\"stream_options\":"
					"{\"x\":1,\"include_usage\":true},"
					"\"max_tokens\":5,\"n\":3,"
					"\"tools\":[{\"type\":\"function\"}],"
					"\"unknown\":{}}")));
	assert_true(slice_is(shape.model, "fast"));
	assert_true(shape.stream && shape.wants_usage && shape.tools);
	assert_int_equal(shape.choices, 3);
	assert_int_equal(shape.output_cap, 5);
}

static void
null_is_as_good_as_absent(void **state)
{
	(void)state;
	assert_true(read_shape(
	    slice_of("{" PLAIN ",\"stream\":null,\"stream_options\":null,"
		     "\"max_tokens\":null,\"max_completion_tokens\":null,"
		     "\"n\":null,\"tools\":null,\"functions\":null}")));
	assert_int_equal(shape.choices, 1);
	assert_int_equal(shape.output_cap, 0);
	assert_true(read_shape(slice_of(
	    "{" PLAIN ",\"stream_options\":{\"include_usage\":null}}")));
	assert_false(shape.wants_usage);
}

static void
the_larger_cap_counts(void **state)
{
	(void)state;
	assert_true(
	    read_shape(slice_of("{" PLAIN ",\"max_completion_tokens\":7}")));
	assert_int_equal(shape.output_cap, 7);
	assert_true(read_shape(slice_of(
	    "{" PLAIN ",\"max_tokens\":9,\"max_completion_tokens\":7}")));
	assert_int_equal(shape.output_cap, 9);
}

static void
lists_of_tools_may_be_empty(void **state)
{
	(void)state;
	assert_true(read_shape(slice_of("{" PLAIN ",\"tools\":[ \n],"
					"\"functions\":[]}")));
	assert_false(shape.tools);
	assert_true(read_shape(slice_of("{" PLAIN ",\"functions\":[{}]}")));
	assert_true(shape.tools);
}

/* Each is refused, and the reason names the field. */
static void
wrong_types_are_refused_by_name(void **state)
{
	static const struct {
		const char *text, *field;
	} bad[] = {
		{ "{" MESSAGES "}", "model" },
		{ "{\"model\":\"\"," MESSAGES "}", "model" },
		{ "{\"model\":null," MESSAGES "}", "model" },
		{ "{\"model\":7," MESSAGES "}", "model" },
		{ "{" MODEL "}", "messages" },
		{ "{" MODEL ",\"messages\":[]}", "messages" },
		{ "{" MODEL ",\"messages\":[ ]}", "messages" },
		{ "{" MODEL ",\"messages\":{}}", "messages" },
		{ "{" MODEL ",\"messages\":\"hi\"}", "messages" },
		{ "{" PLAIN ",\"stream\":1}", "stream" },
		{ "{" PLAIN ",\"stream\":\"true\"}", "stream" },
		{ "{" PLAIN ",\"stream_options\":true}", "stream_options" },
		{ "{" PLAIN ",\"stream_options\":[]}", "stream_options" },
		{ "{" PLAIN ",\"stream_options\":{\"include_usage\":1}}",
		    "stream_options.include_usage" },
		{ "{" PLAIN ",\"max_tokens\":0}", "max_tokens" },
		{ "{" PLAIN ",\"max_tokens\":-1}", "max_tokens" },
		{ "{" PLAIN ",\"max_tokens\":1.5}", "max_tokens" },
		{ "{" PLAIN ",\"max_tokens\":\"5\"}", "max_tokens" },
		{ "{" PLAIN ",\"max_completion_tokens\":1e3}",
		    "max_completion_tokens" },
		{ "{" PLAIN ",\"max_tokens\":99999999999999999999}",
		    "max_tokens" },
		{ "{" PLAIN ",\"n\":0}", "n " },
		{ "{" PLAIN ",\"n\":129}", "n " },
		{ "{" PLAIN ",\"tools\":{}}", "tools" },
		{ "{" PLAIN ",\"functions\":true}", "functions" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		if (read_shape(slice_of(bad[i].text)))
			fail_msg("%s was taken", bad[i].text);
		if (!slice_starts(slice_of(why), bad[i].field))
			fail_msg("%s: %s", bad[i].text, why);
	}
}

/* Or one name could take up the arena that the request still needs. */
static void
a_name_has_a_length(void **state)
{
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, 1 << 12);
	for (n = MODEL_BYTES_MAX - 2; n < MODEL_BYTES_MAX; n++) {
		buf_reset(&b);
		buf_puts(&b, "{\"model\":\"");
		memset(buf_room(&b, n), 'm', n);
		buf_grow(&b, n);
		buf_puts(&b, "\"," MESSAGES "}");
		assert_int_equal(read_shape(buf_slice(&b)),
		    n == MODEL_BYTES_MAX - 2);
	}
	buf_fini(&b);
}

static void
estimates_do_not_count_inline_files_as_text(void **state)
{
	int64_t plain;
	struct buf b;
	size_t i;

	(void)state;
	assert_true(read_shape(slice_of("{" PLAIN "}")));
	plain = shape.input_estimate_tokens;
	assert_int_equal(plain, (sizeof("{" PLAIN "}") - 1 + 3) / 4);
	buf_init(&b, 1 << 20);
	buf_puts(&b, "{" MODEL ",\"messages\":[");
	for (i = 0; i < 2; i++) {
		buf_puts(&b, i > 0 ? ",\"" : "\"");
		buf_puts(&b, "data:image/png;base64,");
		memset(buf_room(&b, 100000), 'A', 100000);
		buf_grow(&b, 100000);
		buf_puts(&b, "\"");
	}
	buf_puts(&b, "]}");
	assert_true(read_shape(buf_slice(&b)));
	assert_in_range(shape.input_estimate_tokens, 2 * 1500, 2 * 1500 + 100);
	buf_fini(&b);
}

static void
dialects_have_names(void **state)
{
	(void)state;
	assert_string_equal(dialect_name(DIALECT_CHAT), "chat");
	assert_string_equal(dialect_name(DIALECT_RESPONSES), "responses");
	assert_string_equal(dialect_name(DIALECT_MESSAGES), "messages");
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(a_plain_request),
		FRESH(a_full_request),
		FRESH(null_is_as_good_as_absent),
		FRESH(the_larger_cap_counts),
		FRESH(lists_of_tools_may_be_empty),
		FRESH(wrong_types_are_refused_by_name),
		FRESH(a_name_has_a_length),
		FRESH(estimates_do_not_count_inline_files_as_text),
		FRESH(dialects_have_names),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
