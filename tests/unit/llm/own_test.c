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
static struct owned owned;

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

static const struct json_value *
parse(struct slice text)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&arena, text, &error);
	if (root == NULL)
		fail_msg("%.*s: %s at %zu", SLICE_FMT(text), error.why,
		    error.at);
	return root;
}

/* The result is checked to be JSON, and to stay as it is. */
static enum own_result
own(const char *text, const struct own_terms *terms)
{
	enum own_result outcome;
	struct owned again;
	size_t i;

	outcome = own_body(&owned, &arena, parse(slice_of(text)), terms);
	if (outcome != OWN_DONE)
		return outcome;
	buf_reset(&result);
	for (i = 0; i < owned.splice.count; i++) {
		assert_true(owned.splice.parts[i].len > 0);
		buf_put_slice(&result, owned.splice.parts[i]);
	}
	assert_int_equal(owned.splice.bytes, result.len);
	assert_int_equal(own_body(&again, &arena, parse(buf_slice(&result)),
			     terms),
	    OWN_DONE);
	if (again.splice.changes != 0)
		fail_msg("%s: not right at once", text);
	return OWN_DONE;
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
		if (own(cases[i].body, terms) != OWN_DONE)
			fail_msg("%s: %s", cases[i].body, owned.why);
		assert_string_equal(buf_text(&result), cases[i].want);
		assert_int_equal(owned.splice.changes, cases[i].changes);
		if (cases[i].changes > 0)
			continue;
		assert_int_equal(owned.splice.count, 1);
		assert_ptr_equal(owned.splice.parts[0].ptr, cases[i].body);
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
		    "{ \"x\" : 1e400 ,\n\"mod\\u0065l\" : \"gpt-5\" , "
		    "\"y\":\"\xc3\xa9\"}",
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
	assert_int_equal(own("{\"model\":\"g\"}", &terms), OWN_DONE);
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
	const struct own_terms terms = { .model = slice_of("m"),
		.output_cap = 100,
		.cap_key = "max_completion_tokens",
		.stream = true,
		.usage_in_stream = true };

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
	const struct own_terms terms = { .model = slice_of("m"),
		.cap_key = "max_tokens",
		.stream = true,
		.usage_in_stream = true };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(bad); i++) {
		if (own(bad[i].text, &terms) != OWN_INVALID)
			fail_msg("%s was taken", bad[i].text);
		if (!slice_starts(slice_of(owned.why), bad[i].field))
			fail_msg("%s: %s", bad[i].text, owned.why);
	}
}

static void
responses_store_nothing(void **state)
{
	static const struct change cases[] = {
		{ "{\"model\":\"m\"}", "{\"model\":\"m\",\"store\":false}", 1 },
		{ "{\"store\":true,\"model\":\"m\"}",
		    "{\"store\":false,\"model\":\"m\"}", 1 },
		{ "{\"store\":null,\"model\":\"m\"}",
		    "{\"store\":false,\"model\":\"m\"}", 1 },
		{ "{\"store\":false,\"model\":\"m\"}",
		    "{\"store\":false,\"model\":\"m\"}", 0 },
	};
	const struct own_terms terms = { .dialect = DIALECT_RESPONSES,
		.model = slice_of("m") };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
}

static void
chat_stores_nothing(void **state)
{
	static const struct change cases[] = {
		{ "{\"model\":\"m\"}", "{\"model\":\"m\"}", 0 },
		{ "{\"model\":\"m\",\"store\":null}",
		    "{\"model\":\"m\",\"store\":null}", 0 },
		{ "{\"model\":\"m\",\"store\":true}",
		    "{\"model\":\"m\",\"store\":false}", 1 },
	};
	const struct own_terms terms = { .model = slice_of("m") };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
}

#define RESPONSE  "{\"model\":\"m\",\"store\":false"
#define ENCRYPTED "\"reasoning.encrypted_content\""

static void
responses_include_what_they_thought(void **state)
{
	static const struct change cases[] = {
		{ RESPONSE ",\"reasoning\":null}",
		    RESPONSE ",\"reasoning\":null}", 0 },
		{ RESPONSE ",\"reasoning\":{}}",
		    RESPONSE ",\"reasoning\":{},\"include\":[" ENCRYPTED "]}",
		    1 },
		{ RESPONSE ",\"reasoning\":{},\"include\":null}",
		    RESPONSE ",\"reasoning\":{},\"include\":[" ENCRYPTED "]}",
		    1 },
		{ RESPONSE ",\"reasoning\":{},\"include\":[ ]}",
		    RESPONSE ",\"reasoning\":{},\"include\":[" ENCRYPTED " ]}",
		    1 },
		{ RESPONSE ",\"reasoning\":{},\"include\":[\"a\" ]}",
		    RESPONSE ",\"reasoning\":{},\"include\":[\"a\"," ENCRYPTED
			     " ]}",
		    1 },
		{ RESPONSE ",\"reasoning\":{},\"include\":[\"a\"," ENCRYPTED
			   "]}",
		    RESPONSE ",\"reasoning\":{},\"include\":[\"a\"," ENCRYPTED
			     "]}",
		    0 },
	};
	static const struct change always = { RESPONSE "}",
		RESPONSE ",\"include\":[" ENCRYPTED "]}", 1 };
	struct own_terms terms = { .dialect = DIALECT_RESPONSES,
		.model = slice_of("m") };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
	terms.encrypted_reasoning = true;
	assert_changes(&always, 1, &terms);
}

static void
other_dialects_are_capped(void **state)
{
	static const struct change responses[] = {
		{ RESPONSE "}", RESPONSE ",\"max_output_tokens\":100}", 1 },
		{ RESPONSE ",\"max_output_tokens\":null}",
		    RESPONSE ",\"max_output_tokens\":100}", 1 },
		{ RESPONSE ",\"max_output_tokens\":101,\"max_tokens\":\"x\"}",
		    RESPONSE ",\"max_output_tokens\":100,\"max_tokens\":\"x\"}",
		    1 },
	};
	static const struct change messages[] = {
		{ "{\"model\":\"m\",\"max_tokens\":101}",
		    "{\"model\":\"m\",\"max_tokens\":100}", 1 },
		{ "{\"model\":\"m\",\"max_tokens\":0,\"store\":true}",
		    "{\"model\":\"m\",\"max_tokens\":0,\"store\":true}", 0 },
		{ "{\"model\":\"m\",\"max_tokens\":101,"
		  "\"thinking\":{\"budget_tokens\":99}}",
		    "{\"model\":\"m\",\"max_tokens\":100,"
		    "\"thinking\":{\"budget_tokens\":99}}",
		    1 },
	};
	struct own_terms terms = { .model = slice_of("m"),
		.cap_key = "max_tokens",
		.output_cap = 100 };

	(void)state;
	terms.dialect = DIALECT_RESPONSES;
	assert_changes(responses, count_of(responses), &terms);
	terms.dialect = DIALECT_MESSAGES;
	assert_changes(messages, count_of(messages), &terms);
}

static void
a_count_only_changes_the_model(void **state)
{
	static const struct change cases[] = {
		{ "{\"model\":\"g\",\"max_tokens\":\"x\",\"stream\":7}",
		    "{\"model\":\"m\",\"max_tokens\":\"x\",\"stream\":7}", 1 },
	};
	const struct own_terms terms = { .dialect = DIALECT_MESSAGES,
		.operation = OPERATION_COUNT,
		.model = slice_of("m"),
		.output_cap = 5 };

	(void)state;
	assert_changes(cases, count_of(cases), &terms);
	assert_int_equal(own("{\"model\":\"m\",\"mcp_servers\":[{}]}", &terms),
	    OWN_NOT_ALLOWED);
}

/* A body that is refused, how, and a word of the reason. */
struct refusal {
	enum dialect dialect;
	enum own_result outcome;
	const char *rest;
	const char *word;
};

#define CHAT      DIALECT_CHAT, OWN_INVALID
#define RESPONSES DIALECT_RESPONSES, OWN_INVALID
#define MESSAGES  DIALECT_MESSAGES, OWN_INVALID

static void
assert_refusals(const struct refusal *cases, size_t count)
{
	struct own_terms terms = { .model = slice_of("m"), .output_cap = 10 };
	struct buf text;
	size_t i;

	buf_init(&text, 1 << 12);
	for (i = 0; i < count; i++) {
		buf_reset(&text);
		buf_printf(&text, "{\"model\":\"m\"%s}", cases[i].rest);
		terms.dialect = cases[i].dialect;
		if (own(buf_text(&text), &terms) != cases[i].outcome)
			fail_msg("%s: not so: %s", cases[i].rest,
			    owned.why != NULL ? owned.why : "taken");
		if (strstr(owned.why, cases[i].word) == NULL)
			fail_msg("%s: %s", cases[i].rest, owned.why);
	}
	buf_fini(&text);
}

static void
what_cannot_be_is_invalid(void **state)
{
	static const struct refusal cases[] = {
		{ RESPONSES, ",\"previous_response_id\":\"r\"",
		    "previous_response_id" },
		{ RESPONSES, ",\"conversation\":{\"id\":\"c\"}",
		    "conversation" },
		{ RESPONSES, ",\"background\":true", "background" },
		{ RESPONSES, ",\"prompt\":{\"id\":\"p\"}", "prompt" },
		{ RESPONSES, ",\"input\":[{\"type\":\"item_reference\"}]",
		    "item_reference" },
		{ RESPONSES, ",\"input\":[{\"role\":\"user\"},{\"id\":\"x\"}]",
		    "item_reference" },
		{ RESPONSES, ",\"input\":[{\"id\":\"x\",\"type\":null}]",
		    "item_reference" },
		{ RESPONSES, ",\"store\":1,\"max_output_tokens\":7", "store" },
		{ RESPONSES,
		    ",\"reasoning\":{},\"include\":\"x\","
		    "\"max_output_tokens\":7",
		    "include" },
		{ RESPONSES, "", "under 16" },
		{ RESPONSES, ",\"max_output_tokens\":20", "under 16" },
		{ MESSAGES, "", "max_tokens" },
		{ MESSAGES, ",\"max_tokens\":-1", "max_tokens" },
		{ MESSAGES, ",\"max_tokens\":1.5", "max_tokens" },
		{ MESSAGES,
		    ",\"max_tokens\":20,\"thinking\":{"
		    "\"budget_tokens\":10}",
		    "thinking.budget_tokens" },
		{ MESSAGES, ",\"max_tokens\":5,\"thread\":{}", "thread" },
		{ CHAT, ",\"store\":\"yes\"", "store" },
	};

	(void)state;
	assert_refusals(cases, count_of(cases));
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
		FRESH(responses_store_nothing),
		FRESH(chat_stores_nothing),
		FRESH(responses_include_what_they_thought),
		FRESH(other_dialects_are_capped),
		FRESH(a_count_only_changes_the_model),
		FRESH(what_cannot_be_is_invalid),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
