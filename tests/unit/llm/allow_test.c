#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/allow.h"
#include "common/llm/own.h"

#define ALL ((1u << ALLOWS) - 1)

static struct arena arena;
static struct owned owned;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 4 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* A body of that dialect, for a team that is allowed so much. */
static enum own_result
own(enum dialect dialect, const char *rest, unsigned allowed)
{
	const struct own_terms terms = { .dialect = dialect,
		.model = slice_of("m"),
		.allowed = allowed };
	const char *text =
	    arena_printf(&arena, "{\"model\":\"m\",\"max_tokens\":9%s}", rest);
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&arena, slice_of(text), &error);
	if (root == NULL)
		fail_msg("%s: %s", text, error.why);
	return own_body(&owned, &arena, root, &terms);
}

static void
all_have_names(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ALLOWS; i++) {
		assert_true(strlen(allow_name(i)) > 0);
		assert_true(strlen(allow_meaning(i)) > 0);
	}
	assert_null(allow_name(ALLOWS));
}

#define CHAT      DIALECT_CHAT
#define RESPONSES DIALECT_RESPONSES
#define MESSAGES  DIALECT_MESSAGES
#define FILE      "\"file_id\":\"file-1\""

/* The word is the class, unless one class has several reasons. */
static const struct {
	enum dialect dialect;
	const char *rest; /* of a body */
	const char *word; /* of the reason */
} by_leave[] = {
	{ CHAT, ",\"service_tier\":\"priority\"", "[service_tier]" },
	{ RESPONSES, ",\"service_tier\":\"flex\"", "[service_tier]" },
	{ MESSAGES, ",\"service_t\\u0069er\":\"x\"", "[service_tier]" },
	{ MESSAGES, ",\"speed\":\"fast\"", "[speed]" },
	{ MESSAGES, ",\"inference_geo\":\"us\"", "[region]" },
	{ CHAT, ",\"models\":[\"x\"]", "[routing]" },
	{ CHAT, ",\"provider\":{}", "[routing]" },
	{ CHAT, ",\"route\":\"fallback\"", "[routing]" },
	{ CHAT, ",\"plugins\":[{\"id\":\"web\"}]", "[routing]" },
	{ CHAT, ",\"transforms\":[\"x\"]", "[routing]" },
	{ MESSAGES, ",\"fallbacks\":[{}]", "[routing]" },
	{ MESSAGES, ",\"fallback_credit_token\":\"x\"", "[routing]" },
	{ MESSAGES, ",\"billing_policy\":\"x\"", "[routing]" },
	{ MESSAGES, ",\"mcp_servers\":[{\"url\":\"u\"}]", "[mcp]" },
	{ RESPONSES, ",\"tools\":[{\"type\":\"mcp\"}]", "[mcp]" },
	{ MESSAGES, ",\"tools\":[{\"type\":\"mcp_toolset\"}]", "[mcp]" },
	{ MESSAGES, ",\"container\":\"c\"", "[containers]" },
	{ RESPONSES, ",\"tools\":[{\"type\":\"code_interpreter\"}]",
	    "[containers]" },
	{ MESSAGES, ",\"tools\":[{\"type\":\"code_execution_20250522\"}]",
	    "[containers]" },
	{ CHAT, ",\"web_search_options\":{}", "[hosted_tools]" },
	{ CHAT, ",\"tools\":[{\"google_search\":{}}]", "[hosted_tools]" },
	{ RESPONSES, ",\"tools\":[{\"type\":\"web_search\"}]",
	    "tool \"web_search\" is run" },
	{ RESPONSES,
	    ",\"tools\":[{\"type\":\"namespace\",\"tools\":[{\"type\":"
	    "\"file_search\"}]}]",
	    "[hosted_tools]" },
	{ RESPONSES,
	    ",\"input\":[{\"type\":\"additional_tools\",\"tools\":[{\"type\":"
	    "\"web_search\"}]}]",
	    "[hosted_tools]" },
	{ MESSAGES, ",\"tools\":[{\"type\":\"web_search_20250305\"}]",
	    "[hosted_tools]" },
	{ CHAT, ",\"messages\":[{\"content\":[{\"file\":{" FILE "}}]}]",
	    "[files]" },
	{ RESPONSES,
	    ",\"input\":[{\"role\":\"user\",\"content\":[{" FILE "}]}]",
	    "file_id \"file-1\" reads" },
	{ MESSAGES, ",\"system\":[{\"source\":{\"type\":\"f\\u0069le\"}}]",
	    "[files]" },
	{ MESSAGES,
	    ",\"messages\":[{\"content\":[{\"type\":"
	    "\"container_upload\"}]}]",
	    "[files]" },
};

static void
what_a_team_may_be_allowed(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < count_of(by_leave); i++) {
		if (own(by_leave[i].dialect, by_leave[i].rest, 0) !=
		    OWN_NOT_ALLOWED)
			fail_msg("%s was taken", by_leave[i].rest);
		if (strstr(owned.why, by_leave[i].word) == NULL)
			fail_msg("%s: %s", by_leave[i].rest, owned.why);
		if (own(by_leave[i].dialect, by_leave[i].rest, ALL) != OWN_DONE)
			fail_msg("%s: %s", by_leave[i].rest, owned.why);
	}
}

static void
the_reason_tells_the_cure(void **state)
{
	(void)state;
	assert_int_equal(own(DIALECT_CHAT, ",\"service_tier\":\"priority\"", 0),
	    OWN_NOT_ALLOWED);
	assert_string_equal(owned.why,
	    "service_tier \"priority\" changes the price; the team's entry in "
	    "mesh.yaml may allow it (allow: [service_tier])");
	assert_int_equal(own(DIALECT_CHAT, ",\"service_tier\":\"priority\"",
			     ALL & ~(unsigned)ALLOW_SERVICE_TIER),
	    OWN_NOT_ALLOWED);
}

/* Values that say no more than the key's absence, and the caller's own JSON. */
static void
what_anyone_may(void **state)
{
	static const char *const rests[] = {
		",\"service_tier\":\"auto\",\"speed\":\"standard\","
		"\"models\":[],\"mcp_servers\":null",
		",\"service_tier\":\"standard_only\",\"tools\":[{\"name\":"
		"\"f\",\"input_schema\":{\"properties\":{" FILE "}}}]",
		",\"messages\":[{\"content\":[{\"type\":\"tool_use\","
		"\"input\":{" FILE "}},{\"file_id\":null}]}]",
	};
	size_t i;

	(void)state;
	for (i = 0; i < count_of(rests); i++) {
		if (own(DIALECT_CHAT, rests[i], 0) != OWN_DONE ||
		    own(DIALECT_MESSAGES, rests[i], 0) != OWN_DONE)
			fail_msg("%s: %s", rests[i], owned.why);
		assert_int_equal(owned.splice.count, 1);
	}
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(all_have_names),
		FRESH(what_a_team_may_be_allowed),
		FRESH(the_reason_tells_the_cure),
		FRESH(what_anyone_may),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
