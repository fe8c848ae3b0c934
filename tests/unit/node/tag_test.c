#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/arena.h"
#include "node/tag.h"

#define ARENA 65536
/* 65 characters: one too many. */
#define LONG_VALUE                                                             \
	"a=01234567890123456789012345678901234567890123456789012345678901234"

static void
reads(const char *header, const char *expected)
{
	struct arena arena;
	struct slice tags;
	const char *why;
	bool read;

	arena_init(&arena, ARENA);
	read = tags_read(&tags, &arena, slice_of(header), &why);
	if (read != (expected != NULL))
		fail_msg("'%s' was %s", header, read ? "taken" : "refused");
	if (read)
		assert_string_equal(arena_text(&arena, tags), expected);
	else
		assert_non_null(strstr(why, "X-Router-Tags"));
	arena_fini(&arena);
}

static void
test_reads_lists_of_words(void **state)
{
	(void)state;
	reads("", "");
	reads("team=search", "team=search");
	reads(" run=7 ,\tx=1", NULL); /* a tab is no space here */
	reads(" run=7 , tier=Gold,a.b_c-d=http://x/y@z+1 ",
	    "run=7,tier=Gold,a.b_c-d=http://x/y@z+1");
	reads("a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8",
	    "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8");
}

static void
test_refuses_what_is_no_such_list(void **state)
{
	static const char *const wrong[] = { "a", "=1", "a=", "A=1", "a=1,",
		",", "a=1,,b=2", "a=1,a=2", "a=b=c", "a=\"1\"", "a=1;b=2",
		"a=\xc3\xa4", "a b=1", "a=1,b=2,c=3,d=4,e=5,f=6,g=7,h=8,i=9",
		"abcdefghijklmnopqrstuvwxyz0123456=1", LONG_VALUE };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		reads(wrong[i], NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_lists_of_words),
		cmocka_unit_test(test_refuses_what_is_no_such_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
