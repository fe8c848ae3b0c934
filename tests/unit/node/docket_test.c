#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "node/trial/docket.h"
#include "node/trial/report.h"
#include "node/trial/trial.h"

#define TEXT_MAX  (1 << 20)
#define ARENA_MAX ((size_t)64 << 20)

/* As groups_write has it: one target of the node's own, one behind an egress
 * of which nobody states anything, one that the egress does not offer. */
static const char groups[] =
    "{\"listen\":\"127.0.0.1:0\",\"https\":false,\"groups\":["
    "{\"name\":\"other\",\"aliases\":[],\"dialects\":[\"chat\"],"
    "\"requires\":[],\"targets\":[]},"
    "{\"name\":\"coding\",\"aliases\":[\"gpt-4\"],\"strategy\":\"failover\","
    "\"dialects\":[\"chat\",\"messages\"],\"requires\":[\"images\"],"
    "\"targets\":["
    "{\"target\":\"own/m\",\"offered\":true,\"dialects\":[\"messages\"],"
    "\"supports\":[\"tools\",\"forced_tools\",\"output_cap\"],"
    "\"stated\":true,\"direct\":{\"dialect\":\"messages\","
    "\"url\":\"http://x/v1/messages\",\"model\":\"m-1\",\"cap_key\":\"\","
    "\"auth_field\":\"x-api-key\",\"auth_prefix\":\"\",\"secret\":\"own\","
    "\"ca_file\":\"\"}},"
    "{\"target\":\"openai/gpt\",\"offered\":true,\"dialects\":[\"chat\"],"
    "\"supports\":[\"output_cap\"],\"stated\":false},"
    "{\"target\":\"openai/gone\",\"offered\":false}]}]}";

struct fixture {
	struct arena arena;
	struct docket docket;
	struct buf out;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	arena_init(&f->arena, ARENA_MAX);
	buf_init(&f->out, TEXT_MAX);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_fini(&f->arena);
	buf_fini(&f->out);
	free(f);
	return 0;
}

static bool
plan(struct fixture *f, struct docket_wish wish)
{
	struct json_error error;
	const struct json_value *root =
	    json_parse(&f->arena, slice_of(groups), &error);

	assert_non_null(root);
	buf_reset(&f->out);
	return docket_read(&f->docket, &f->arena, root, &wish, &f->out);
}

static struct docket_entry *
find(struct fixture *f, const char *target, const char *name, bool direct)
{
	size_t i;

	for (i = 0; i < f->docket.count; i++) {
		struct docket_entry *e = &f->docket.entries[i];

		if (strcmp(e->name, name) == 0 && e->direct == direct &&
		    (e->target == NULL ? *target == '\0'
				       : slice_is(e->target->name, target)))
			return e;
	}
	return NULL;
}

static const struct docket_wish all = { .group = "coding",
	.router = true,
	.direct = true };

static void
what_is_claimed_or_required_is_tried(void **state)
{
	struct fixture *f = *state;
	const struct docket_entry *e;

	assert_true(plan(f, all));
	e = find(f, "own/m", "tools", false);
	assert_non_null(e);
	assert_int_equal(e->outcome, OUTCOME_OPEN);
	assert_int_equal(e->expects, EXPECTS_ANSWER);
	assert_int_equal(e->dialect, DIALECT_MESSAGES);
	/* Required, though nobody says that they can. */
	assert_int_equal(find(f, "own/m", "images", false)->expects,
	    EXPECTS_ANSWER);
	assert_int_equal(find(f, "openai/gpt", "images", false)->outcome,
	    OUTCOME_OPEN);
	assert_int_equal(find(f, "openai/gpt", "images", false)->dialect,
	    DIALECT_CHAT);
	assert_non_null(find(f, "own/m", "tools", true));
	assert_null(find(f, "openai/gpt", "images", true));
}

static void
what_is_stated_not_to_be_has_to_be_refused(void **state)
{
	struct fixture *f = *state;
	const struct docket_entry *e;

	assert_true(plan(f, all));
	e = find(f, "own/m", "without-reasoning", false);
	assert_non_null(e);
	assert_int_equal(e->expects, EXPECTS_NO_TARGET);
	assert_int_equal(e->outcome, OUTCOME_OPEN);
	/* Nobody stated it: nothing follows. */
	assert_null(find(f, "openai/gpt", "without-tools", false));
	assert_string_equal(find(f, "openai/gpt", "tools", false)->why,
	    "not-claimed");
	/* A provider that is called directly refuses nothing for us. */
	assert_null(find(f, "own/m", "without-reasoning", true));
	/* Messages has no audio, and no other dialect is its own. */
	assert_int_equal(find(f, "own/m", "audio", true)->outcome,
	    OUTCOME_SKIPPED);
	assert_string_equal(find(f, "own/m", "audio", true)->why, "no-dialect");
}

static void
each_dialect_of_the_contract_is_spoken(void **state)
{
	struct fixture *f = *state;

	assert_true(plan(f, all));
	assert_non_null(find(f, "openai/gpt", "text-chat", false));
	assert_non_null(find(f, "openai/gpt", "stream-messages", false));
	assert_non_null(find(f, "openai/gpt", "count-tokens", false));
	assert_null(find(f, "openai/gpt", "text-responses", false));
	assert_non_null(find(f, "own/m", "text-messages", true));
	assert_null(find(f, "own/m", "text-chat", true));
}

static void
what_is_not_offered_is_skipped(void **state)
{
	struct fixture *f = *state;

	assert_true(plan(f, all));
	assert_string_equal(find(f, "openai/gone", "text", false)->why,
	    "not-offered");
	assert_null(find(f, "openai/gone", "text-chat", false));
}

static void
wishes_narrow_it(void **state)
{
	struct docket_wish wish = all;
	struct fixture *f = *state;

	wish.group = "gpt-4"; /* an alias */
	wish.capability = "reasoning";
	assert_true(plan(f, wish));
	assert_true(slice_is(f->docket.group, "coding"));
	assert_non_null(find(f, "own/m", "without-reasoning", false));
	assert_null(find(f, "own/m", "text-chat", false));
	wish = all;
	wish.target = "own/m";
	wish.router = false;
	assert_true(plan(f, wish));
	assert_null(find(f, "", "refuses-bad-json", false));
	assert_null(find(f, "own/m", "text-chat", false));
	wish.target = "own/other";
	assert_false(plan(f, wish));
	assert_non_null(strstr(buf_text(&f->out), "nothing like that"));
	wish.group = "nobody";
	assert_false(plan(f, wish));
	assert_non_null(strstr(buf_text(&f->out), "no group is named"));
}

static struct errand_answer
answer(int status, const char *error, const char *body)
{
	struct errand_answer a = { .status = status,
		.end = status == 0 ? "no-route" : "",
		.request = "req_01kb0000000000000000000000",
		.us = 1500,
		.body = slice_of(body) };

	strcpy(a.router_error, error);
	return a;
}

static const char *
verdict(struct docket_entry e, struct errand_answer a, int64_t attempts)
{
	static char why[ERRAND_WORD_MAX];

	docket_judge(&e, &a, attempts);
	assert_int_equal(e.outcome,
	    e.why[0] == '\0' ? OUTCOME_PASSED : OUTCOME_FAILED);
	strcpy(why, e.why);
	return why;
}

#define HELLO                                                                  \
	"{\"choices\":[{\"message\":{\"content\":\"hi\"},"                     \
	"\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1,"         \
	"\"completion_tokens\":1}}"

static void
answers_are_judged(void **state)
{
	struct docket_entry e = { .trial = trial_get(TRIAL_TEXT) };

	(void)state;
	assert_string_equal(verdict(e, answer(200, "", HELLO), -1), "");
	assert_string_equal(verdict(e, answer(200, "", "{}"), -1), "cut-off");
	assert_string_equal(verdict(e, answer(502, "upstream-failed", HELLO),
				1),
	    "upstream-failed");
	assert_string_equal(verdict(e, answer(500, "", HELLO), 1),
	    "status-500");
	assert_string_equal(verdict(e, answer(0, "", ""), -1), "no-route");
	/* A provider's word for an error is not the router's. */
	e.direct = true;
	assert_string_equal(verdict(e, answer(502, "word", HELLO), -1),
	    "status-502");
}

static void
refusals_are_judged(void **state)
{
	struct docket_entry e = { .trial = trial_get(TRIAL_IMAGES),
		.expects = EXPECTS_NO_TARGET };

	(void)state;
	assert_string_equal(verdict(e, answer(502, "no-eligible-target", ""),
				0),
	    "");
	assert_string_equal(verdict(e, answer(502, "no-eligible-target", ""),
				1),
	    "called");
	assert_string_equal(verdict(e, answer(502, "no-eligible-target", ""),
				-1),
	    "no-row");
	assert_string_equal(verdict(e, answer(502, "upstream-failed", ""), 0),
	    "upstream-failed");
	assert_string_equal(verdict(e, answer(200, "", HELLO), 1), "answered");
	e.expects = EXPECTS_UNAUTHORIZED;
	assert_string_equal(verdict(e, answer(401, "unauthorized", ""), -1),
	    "");
	assert_string_equal(verdict(e, answer(403, "token-revoked", ""), -1),
	    "token-revoked");
	e.expects = EXPECTS_UNKNOWN_GROUP;
	assert_string_equal(verdict(e, answer(404, "unknown-group", ""), -1),
	    "");
	e.expects = EXPECTS_INVALID;
	assert_string_equal(verdict(e, answer(400, "invalid-request", ""), -1),
	    "");
	assert_string_equal(verdict(e, answer(200, "", HELLO), -1), "answered");
}

static void
the_report_says_what_was_tried(void **state)
{
	struct errand_answer good = answer(200, "", HELLO);
	struct errand_answer bad = answer(500, "", "");
	struct docket_wish wish = all;
	struct fixture *f = *state;

	wish.target = "openai/gpt";
	assert_true(plan(f, wish));
	docket_judge(find(f, "openai/gpt", "text-chat", false), &good, -1);
	docket_judge(find(f, "openai/gpt", "images", false), &bad, -1);
	buf_reset(&f->out);
	assert_int_equal(report_evidence(&f->docket, 0, &f->out),
	    f->docket.count);
	assert_string_equal(buf_text(&f->out),
	    "{\"group\":\"coding\",\"results\":["
	    "{\"target\":\"openai/gpt\",\"capability\":\"text-chat\","
	    "\"passed\":true,\"detail\":\"\",\"way\":\"router\","
	    "\"request\":\"01kb0000000000000000000000\"},"
	    "{\"target\":\"openai/gpt\",\"capability\":\"images\","
	    "\"passed\":false,\"detail\":\"status-500\",\"way\":\"router\","
	    "\"request\":\"01kb0000000000000000000000\"}]}");
	buf_reset(&f->out);
	report_print(&f->docket, &f->out);
	assert_non_null(
	    strstr(buf_text(&f->out), "1 passed, 1 failed, 7 skipped\n"));
	buf_reset(&f->out);
	report_json(&f->docket, &f->out);
	assert_non_null(strstr(buf_text(&f->out), "\"failed\":1"));
}

#define story(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		story(what_is_claimed_or_required_is_tried),
		story(what_is_stated_not_to_be_has_to_be_refused),
		story(each_dialect_of_the_contract_is_spoken),
		story(what_is_not_offered_is_skipped),
		story(wishes_narrow_it),
		cmocka_unit_test(answers_are_judged),
		cmocka_unit_test(refusals_are_judged),
		story(the_report_says_what_was_tried),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
