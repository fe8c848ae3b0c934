#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "node/caller.h"
#include "node/models.h"
#include "topology/load.h"

#define OUT_MAX 65536

static const struct slice aliases[] = { { "a1", 2 }, { "a2", 2 } };
static const struct group groups[] = {
	{ .name = { "alpha", 5 },
	    .aliases = aliases,
	    .aliases_count = count_of(aliases),
	    .display_name = { "The \"first\"", 11 } },
	{ .name = { "hidden", 6 }, .aliases_count = 0 },
	{ .name = { "omega", 5 }, .aliases_count = 0 },
};
static const struct node_file file = { .groups = groups,
	.groups_count = count_of(groups) };
static const struct member self = { .team = { "payments", 8 } };
static const struct topology topology = { .node = &file, .self = &self };
static const struct caller caller = { .groups = { { "omega", 5 },
					  { "alpha", 5 } },
	.groups_count = 2 };
static const struct caller stranger;

static struct models_ask
asking(bool anthropic, const char *limit, const char *after, const char *before)
{
	return (struct models_ask){ .topology = &topology,
		.caller = &caller,
		.anthropic = anthropic,
		.limit = slice_of(limit),
		.after = slice_of(after),
		.before = slice_of(before) };
}

static void
lists(struct models_ask ask, const char *wanted)
{
	struct buf out;

	buf_init(&out, OUT_MAX);
	models_list(&out, &ask);
	assert_string_equal(buf_text(&out), wanted);
	buf_fini(&out);
}

#define OPENAI(id, shown)                                                      \
	"{\"id\":\"" id "\",\"object\":\"model\",\"created\":0,\"owned_by\":"  \
	"\"payments\",\"display_name\":\"" shown "\"}"
#define ANTHROPIC(id, shown)                                                   \
	"{\"type\":\"model\",\"id\":\"" id "\",\"display_name\":\"" shown      \
	"\",\"created_at\":\"1970-01-01T00:00:00Z\"}"
#define FIRST "The \\\"first\\\""
#define PAGE(data, more, first, last)                                          \
	"{\"data\":[" data "],\"has_more\":" more ",\"first_id\":" first       \
	",\"last_id\":" last "}"

static void
openai_lists_all_by_all_their_names(void **state)
{
	(void)state;
	lists(asking(false, "1", "a1", ""),
	    "{\"object\":\"list\",\"data\":[" OPENAI("alpha",
		FIRST) "," OPENAI("a1", FIRST) "," OPENAI("a2",
		FIRST) "," OPENAI("omega", "omega") "]}");
}

static void
anthropic_gives_pages(void **state)
{
	(void)state;
	lists(asking(true, "2", "", ""),
	    PAGE(ANTHROPIC("alpha", FIRST) "," ANTHROPIC("a1", FIRST), "true",
		"\"alpha\"", "\"a1\""));
	lists(asking(true, "2", "a1", ""),
	    PAGE(ANTHROPIC("a2", FIRST) "," ANTHROPIC("omega", "omega"),
		"false", "\"a2\"", "\"omega\""));
	lists(asking(true, "2", "omega", ""),
	    PAGE("", "false", "null", "null"));
	lists(asking(true, "2", "", "omega"),
	    PAGE(ANTHROPIC("a1", FIRST) "," ANTHROPIC("a2", FIRST), "true",
		"\"a1\"", "\"a2\""));
	lists(asking(true, "9", "", "a1"),
	    PAGE(ANTHROPIC("alpha", FIRST), "false", "\"alpha\"", "\"alpha\""));
	lists(asking(true, "1", "nobody", ""),
	    PAGE("", "false", "null", "null"));
}

static void
a_limit_that_is_none_is_the_usual(void **state)
{
	static const char *const limits[] = { "", "0", "-1", "x", "1e3", "20" };
	size_t i;

	(void)state;
	for (i = 0; i < count_of(limits); i++)
		lists(asking(true, limits[i], "a2", ""),
		    PAGE(ANTHROPIC("omega", "omega"), "false", "\"omega\"",
			"\"omega\""));
}

static void
who_may_use_none_sees_none(void **state)
{
	struct models_ask ask = asking(true, "", "", "");
	struct buf out;

	(void)state;
	ask.caller = &stranger;
	lists(ask, PAGE("", "false", "null", "null"));
	ask.after = slice_of("alpha");
	lists(ask, PAGE("", "false", "null", "null"));
	ask.anthropic = false;
	lists(ask, "{\"object\":\"list\",\"data\":[]}");
	buf_init(&out, OUT_MAX);
	assert_false(models_one(&out, &ask, slice_of("alpha")));
	buf_fini(&out);
}

static void
one_is_given_by_any_of_its_names(void **state)
{
	struct models_ask ask = asking(false, "", "", "");
	struct buf out;

	(void)state;
	buf_init(&out, OUT_MAX);
	assert_true(models_one(&out, &ask, slice_of("a2")));
	assert_string_equal(buf_text(&out), OPENAI("a2", FIRST));
	buf_reset(&out);
	ask.anthropic = true;
	assert_true(models_one(&out, &ask, slice_of("omega")));
	assert_string_equal(buf_text(&out), ANTHROPIC("omega", "omega"));
	buf_reset(&out);
	assert_false(models_one(&out, &ask, slice_of("hidden")));
	assert_false(models_one(&out, &ask, slice_of("")));
	assert_int_equal(out.len, 0);
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(openai_lists_all_by_all_their_names),
		cmocka_unit_test(anthropic_gives_pages),
		cmocka_unit_test(a_limit_that_is_none_is_the_usual),
		cmocka_unit_test(who_may_use_none_sees_none),
		cmocka_unit_test(one_is_given_by_any_of_its_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
