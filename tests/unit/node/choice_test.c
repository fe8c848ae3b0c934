#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "node/policy/choice.h"

#define SIXTY_FIVE                                                             \
	"12345678901234567890123456789012345678901234567890123456789012345"

static const char *const targets[] = { "openai/gpt-5-mini", "own/llama",
	"anthropic/claude", "x/ü\"" };

static bool
parse(struct choice *c, struct slice answer, struct buf *why)
{
	struct slice names[count_of(targets)];
	const struct choice_names among = { names, count_of(names) };
	size_t i;

	for (i = 0; i < count_of(names); i++)
		names[i] = slice_of(targets[i]);
	return choice_parse(c, answer, &among, why);
}

/* `order` has a digit for each target. */
static void
accepts(const char *answer, const char *order, const char *note)
{
	struct choice c;
	struct buf why;
	size_t i;

	buf_init(&why, 4096);
	if (!parse(&c, slice_of(answer), &why))
		fail_msg("%s: %s", answer, buf_text(&why));
	assert_int_equal(why.len, 0);
	assert_int_equal(c.count, strlen(order));
	for (i = 0; i < c.count; i++)
		assert_int_equal(c.order[i], order[i] - '0');
	assert_string_equal(c.note, note);
	buf_fini(&why);
}

static void
refuses_slice(struct slice answer, const char *reason)
{
	struct choice c;
	struct buf why;

	buf_init(&why, 4096);
	assert_false(parse(&c, answer, &why));
	assert_false(why.failed);
	assert_string_equal(buf_text(&why), reason);
	buf_fini(&why);
}

static void
refuses(const char *answer, const char *reason)
{
	refuses_slice(slice_of(answer), reason);
}

static void
test_takes_lists_and_objects(void **state)
{
	(void)state;
	accepts("[\"own/llama\"]", "1", "");
	accepts(" [ \"anthropic\\/claude\", \"x/\\u00fc\\\"\",\n"
		"\"openai/gpt-5-mini\",\"own/llama\"] ",
	    "2301", "");
	accepts("{\"order\":[\"own/llama\",\"openai/gpt-5-mini\"]}", "10", "");
	accepts("{\"note\":\"A-z 0_9.,:\",\"order\":[\"own/llama\"]}", "1",
	    "A-z 0_9.,:");
	accepts("{\"note\":\"\",\"order\":[\"own/llama\"]}", "1", "");
	accepts("{\"note\":\"1234567890123456789012345678901234567890123456789"
		"012345678901234\",\"order\":[\"own/llama\"]}",
	    "1",
	    "1234567890123456789012345678901234567890123456789"
	    "012345678901234");
}

static void
test_names_what_is_not_a_target(void **state)
{
	(void)state;
	refuses("[\"own/llama\",\"own/lama\"]",
	    "names 'own/lama', which is not among the eligible targets");
	refuses("[\"own/llama\",\"x/y\",\"own/llama\"]",
	    "names 'x/y', which is not among the eligible targets");
	refuses("[\"own/llama\",\"own/llama\"]", "names 'own/llama' twice");
	refuses("[\"OWN/LLAMA\"]",
	    "names 'OWN/LLAMA', which is not among the eligible targets");
	refuses("[\"own/llama\\u0000\"]",
	    "names 'own/llama?', which is not among the eligible targets");
	refuses("[\"\"]", "names '', which is not among the eligible targets");
	refuses("[\"\\u001b[2J\\n\\ud800\"]",
	    "names '?[2J?\xef\xbf\xbd', which is not among the eligible "
	    "targets");
	refuses("[\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaüa\"]",
	    "names 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaü…', which is not among the eligible "
	    "targets");
}

static void
test_refuses_other_shapes(void **state)
{
	(void)state;
	refuses("[]", "has an empty order");
	refuses("{}", "has nothing as its order, where a list belongs");
	refuses("{\"order\":[]}", "has an empty order");
	refuses("{\"order\":\"own/llama\"}",
	    "has a text as its order, where a list belongs");
	refuses("{\"order\":{\"0\":\"own/llama\"}}",
	    "has an object as its order, where a list belongs");
	refuses("{\"order\":[\"own/llama\"],\"why\":\"so\"}",
	    "has 'why', which is neither order nor note");
	refuses("5", "is a number, where a list of names belongs");
	refuses("null", "is null, where a list of names belongs");
	refuses("true", "is true, where a list of names belongs");
	refuses("\"own/llama\"", "is a text, where a list of names belongs");
	refuses("[5]", "has a number in its order, where names belong");
	refuses("[null]", "has null in its order, where names belong");
	refuses("[[\"own/llama\"]]",
	    "has a list in its order, where names belong");
	refuses("[\"own/llama\",{\"target\":\"own/llama\"}]",
	    "has an object in its order, where names belong");
}

static void
test_refuses_other_notes(void **state)
{
	static const char *const notes[] = { "a\\nb", "<b>", "\\u0000", "a/b",
		"ü", SIXTY_FIVE };
	char answer[256];
	size_t i;

	(void)state;
	for (i = 0; i < count_of(notes); i++) {
		snprintf(answer, sizeof(answer),
		    "{\"order\":[\"own/llama\"],\"note\":\"%s\"}", notes[i]);
		refuses(answer, "has a note that is not up to 64 letters, "
				"digits, spaces and _.,:-");
	}
	refuses("{\"order\":[\"own/llama\"],\"note\":5}",
	    "has a number as its note, where a text belongs");
	refuses("{\"order\":[\"own/llama\"],\"note\":null}",
	    "has null as its note, where a text belongs");
}

/* Whatever the bytes are: refused, with a short reason, or all of it holds. */
static void
test_garbage_is_refused(void **state)
{
	const char *good = "{\"order\":[\"own/llama\",\"anthropic/claude\"],"
			   "\"note\":\"a b\"}";
	size_t len = strlen(good), i;
	char text[128];
	struct choice c;
	struct buf why;
	unsigned byte;

	(void)state;
	buf_init(&why, 512);
	for (i = 0; i < len; i++) {
		assert_false(parse(&c, slice_make(good, i), &why));
		for (byte = 0; byte < 256; byte++) {
			buf_reset(&why);
			memcpy(text, good, len);
			text[i] = (char)byte;
			if (parse(&c, slice_make(text, len), &why)) {
				assert_int_equal(c.count, 2);
				assert_int_equal(c.order[0], 1);
				assert_int_equal(c.order[1], 2);
			} else {
				assert_true(why.len > 0 && !why.failed);
			}
		}
		buf_reset(&why);
	}
	buf_fini(&why);
}

static void
test_has_a_bound(void **state)
{
	char *text = malloc(CHOICE_BYTES_MAX + 1);

	(void)state;
	memset(text, ' ', CHOICE_BYTES_MAX + 1);
	memcpy(text, "[\"own/llama\"]", 13);
	refuses_slice(slice_make(text, CHOICE_BYTES_MAX + 1),
	    "is longer than 64 KiB");
	/* The most values that fit. */
	memset(text, '[', CHOICE_BYTES_MAX);
	refuses_slice(slice_make(text, CHOICE_BYTES_MAX),
	    "is not JSON: values are nested too deep at byte 128");
	text[0] = '[';
	for (size_t i = 1; i + 1 < CHOICE_BYTES_MAX; i += 2)
		memcpy(text + i, "1,", 2);
	memcpy(text + CHOICE_BYTES_MAX - 3, "1 ]", 3);
	refuses_slice(slice_make(text, CHOICE_BYTES_MAX),
	    "has a number in its order, where names belong");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_takes_lists_and_objects),
		cmocka_unit_test(test_names_what_is_not_a_target),
		cmocka_unit_test(test_refuses_other_shapes),
		cmocka_unit_test(test_refuses_other_notes),
		cmocka_unit_test(test_garbage_is_refused),
		cmocka_unit_test(test_has_a_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
