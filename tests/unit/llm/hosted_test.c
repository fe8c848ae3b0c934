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
	arena_init(&arena, 16 << 20);
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

/* Of a count, since that changes nothing else. */
static enum own_result
drop(enum dialect dialect, const char *text, unsigned allowed)
{
	const struct own_terms terms = { .dialect = dialect,
		.operation = OPERATION_COUNT,
		.model = slice_of("m"),
		.drop_hosted_tools = true,
		.allowed = allowed };
	const struct json_value *root;
	enum own_result outcome;
	struct json_error error;
	size_t i;

	root = json_parse(&arena, slice_of(text), &error);
	if (root == NULL)
		fail_msg("%s: %s", text, error.why);
	outcome = own_body(&owned, &arena, root, &terms);
	assert_int_equal(owned.why == NULL, outcome == OWN_DONE);
	if (outcome != OWN_DONE)
		return outcome;
	buf_reset(&result);
	for (i = 0; i < owned.splice.count; i++)
		buf_put_slice(&result, owned.splice.parts[i]);
	root = json_parse(&arena, buf_slice(&result), &error);
	if (root == NULL)
		fail_msg("%s: %s", buf_text(&result), error.why);
	return OWN_DONE;
}

#define MODEL    "\"model\":\"m\""
#define SEARCH   "{\"type\":\"web_search\"}"
#define FUNCTION "{\"type\":\"function\",\"name\":\"f\"}"

static void
what_is_only_listed_is_left_out(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *body, *want;
	} cases[] = {
		{ DIALECT_RESPONSES, "{" MODEL ",\"tools\":[" FUNCTION "]}",
		    NULL },
		{ DIALECT_RESPONSES, "{" MODEL ",\"tools\":[]}", NULL },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"tools\":[ " SEARCH " , " FUNCTION " ]}",
		    "{" MODEL ",\"tools\":[ " FUNCTION " ]}" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"tools\":[" FUNCTION " , " SEARCH " ]}",
		    "{" MODEL ",\"tools\":[" FUNCTION " ]}" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"tools\":[" SEARCH "," SEARCH "," FUNCTION
		    "," SEARCH "," FUNCTION "," SEARCH "," SEARCH "]}",
		    "{" MODEL ",\"tools\":[" FUNCTION "," FUNCTION "]}" },
		{ DIALECT_RESPONSES,
		    "{\"tools\":[" SEARCH "],\"tool_choice\":\"auto\"," MODEL
		    ",\"parallel_tool_calls\":true}",
		    "{" MODEL "}" },
		{ DIALECT_RESPONSES,
		    "{" MODEL " , \"tools\" : [" SEARCH "] , \"x\":1}",
		    "{" MODEL " , \"x\":1}" },
		{ DIALECT_RESPONSES,
		    "{" MODEL
		    ",\"tools\":[{\"type\":\"namespace\",\"tools\":[" SEARCH
		    "," FUNCTION "]}]}",
		    "{" MODEL
		    ",\"tools\":[{\"type\":\"namespace\",\"tools\":[" FUNCTION
		    "]}]}" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"tools\":[" SEARCH
		    "],\"tool_choice\":\"auto\","
		    "\"input\":[{\"type\":\"additional_tools\",\"tools\":"
		    "[" FUNCTION "," SEARCH "]}]}",
		    "{" MODEL ",\"tool_choice\":\"auto\","
		    "\"input\":[{\"type\":\"additional_tools\",\"tools\":"
		    "[" FUNCTION "]}]}" },
		{ DIALECT_CHAT,
		    "{\"web_search_options\":{}," MODEL
		    ",\"tool_choice\":\"required\",\"tools\":[" FUNCTION "]}",
		    "{" MODEL
		    ",\"tool_choice\":\"required\",\"tools\":[" FUNCTION "]}" },
		{ DIALECT_MESSAGES,
		    "{\"tools\":[{\"type\":\"web_search_20250305\",\"name\":"
		    "\"web_search\"}],\"tool_choice\":{\"type\":\"auto\"}"
		    "," MODEL "}",
		    "{" MODEL "}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		if (drop(cases[i].dialect, cases[i].body, 0) != OWN_DONE)
			fail_msg("%s: %s", cases[i].body, owned.why);
		assert_string_equal(buf_text(&result),
		    cases[i].want != NULL ? cases[i].want : cases[i].body);
		assert_int_equal(owned.dropped_hosted_tools,
		    cases[i].want != NULL);
	}
}

static void
what_is_insisted_on_is_not(void **state)
{
	static const struct {
		enum dialect dialect;
		const char *body;
	} cases[] = {
		{ DIALECT_RESPONSES, "{" MODEL ",\"tools\":[" SEARCH
				     "],\"tool_choice\":\"required\"}" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"tools\":[" SEARCH "," FUNCTION
		    "],\"tool_choice\":" SEARCH "}" },
		{ DIALECT_RESPONSES,
		    "{" MODEL ",\"tools\":[" SEARCH "," FUNCTION
		    "],\"tool_choice\":{\"type\":\"allowed_tools\",\"mode\":"
		    "\"auto\",\"tools\":[" SEARCH "]}}" },
		{ DIALECT_MESSAGES,
		    "{" MODEL ",\"tools\":[{\"name\":\"f\"},{\"type\":"
		    "\"web_search_20250305\",\"name\":\"web_search\"}],"
		    "\"tool_choice\":{\"type\":\"tool\",\"name\":"
		    "\"web_search\"}}" },
		{ DIALECT_MESSAGES,
		    "{" MODEL ",\"tools\":[{\"type\":\"web_search_20250305\"}],"
		    "\"tool_choice\":{\"type\":\"any\"}}" },
		{ DIALECT_MESSAGES,
		    "{" MODEL ",\"messages\":[{\"content\":[{\"tools\":["
		    "{\"type\":\"web_search_20250305\"}]}]}]}" },
		{ DIALECT_CHAT,
		    "{" MODEL ",\"web_search_options\":{},\"tool_choice\":7}" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++)
		if (drop(cases[i].dialect, cases[i].body, 0) != OWN_NOT_ALLOWED)
			fail_msg("%s was taken", cases[i].body);
}

static void
allowed_servers_stay(void **state)
{
	static const char body[] =
	    "{" MODEL ",\"tools\":[" SEARCH ",{\"type\":\"mcp\"}],"
	    "\"tool_choice\":\"auto\"}";

	(void)state;
	assert_int_equal(drop(DIALECT_RESPONSES, body, ALLOW_MCP), OWN_DONE);
	assert_string_equal(buf_text(&result),
	    "{" MODEL ",\"tools\":[{\"type\":\"mcp\"}],"
	    "\"tool_choice\":\"auto\"}");
}

/* Each is an edit, and those have a maximum. */
static void
too_many_are_refused(void **state)
{
	struct buf b;
	size_t i, n;

	(void)state;
	buf_init(&b, 1 << 20);
	for (n = SPLICE_EDITS_MAX; n < SPLICE_EDITS_MAX + 2; n++) {
		buf_reset(&b);
		buf_puts(&b, "{" MODEL ",\"tools\":[" FUNCTION);
		for (i = 0; i < n; i++)
			buf_puts(&b, "," SEARCH);
		buf_puts(&b, "]}");
		assert_int_equal(drop(DIALECT_RESPONSES, buf_text(&b), 0),
		    n == SPLICE_EDITS_MAX ? OWN_DONE : OWN_INVALID);
	}
	buf_fini(&b);
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(what_is_only_listed_is_left_out),
		FRESH(what_is_insisted_on_is_not),
		FRESH(allowed_servers_stay),
		FRESH(too_many_are_refused),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
