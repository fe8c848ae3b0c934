#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/member/session.h"

#define NOW    ((int64_t)1000 * US_PER_SECOND)
#define SECOND ((int64_t)US_PER_SECOND)
#define TOKEN  "gsra_a-token"

static int
setup(void **state)
{
	assert_true(crypto_start());
	*state = sessions_new();
	return 0;
}

static int
teardown(void **state)
{
	sessions_free(*state);
	return 0;
}

static void
a_session_brings_the_token_it_was_opened_with(void **state)
{
	char cookie[SESSION_CHARS], other[SESSION_CHARS];
	struct session *found;

	sessions_open(*state, slice_of(TOKEN), NOW, cookie);
	sessions_open(*state, slice_of("another"), NOW, other);
	assert_int_equal(strlen(cookie), SESSION_CHARS - 1);
	assert_string_not_equal(cookie, other);
	found = sessions_find(*state, slice_of(cookie), NOW);
	assert_non_null(found);
	assert_true(slice_is(session_token(found), TOKEN));
	cookie[3] = cookie[3] == 'a' ? 'b' : 'a';
	assert_null(sessions_find(*state, slice_of(cookie), NOW));
	assert_null(sessions_find(*state, slice_of(""), NOW));
	assert_null(sessions_find(*state, slice_make(other, 42), NOW));
}

static void
only_its_own_guard_will_do(void **state)
{
	char cookie[SESSION_CHARS];
	struct session *a = sessions_open(*state, slice_of(TOKEN), NOW, cookie);
	struct session *b = sessions_open(*state, slice_of(TOKEN), NOW, cookie);

	assert_true(session_guarded(a, slice_of(session_guard(a))));
	assert_false(session_guarded(a, slice_of(session_guard(b))));
	assert_false(session_guarded(a, slice_of("")));
	assert_false(session_guarded(b, slice_of(cookie)));
}

static void
it_ends_when_it_is_not_used(void **state)
{
	char cookie[SESSION_CHARS];
	int64_t at = NOW;

	sessions_open(*state, slice_of(TOKEN), at, cookie);
	at += (SESSION_IDLE_S - 1) * SECOND;
	assert_non_null(sessions_find(*state, slice_of(cookie), at));
	at += (SESSION_IDLE_S - 1) * SECOND;
	assert_non_null(sessions_find(*state, slice_of(cookie), at));
	at += SESSION_IDLE_S * SECOND;
	assert_null(sessions_find(*state, slice_of(cookie), at));
	assert_null(sessions_find(*state, slice_of(cookie), NOW));
}

static void
it_ends_however_much_it_is_used(void **state)
{
	char cookie[SESSION_CHARS];
	int64_t passed;

	sessions_open(*state, slice_of(TOKEN), NOW, cookie);
	for (passed = 0; passed < SESSION_LIFE_S; passed += 60)
		assert_non_null(sessions_find(*state, slice_of(cookie),
		    NOW + passed * SECOND));
	assert_null(sessions_find(*state, slice_of(cookie),
	    NOW + SESSION_LIFE_S * SECOND));
}

static void
whoever_signs_out_is_out(void **state)
{
	char cookie[SESSION_CHARS];

	sessions_end(*state,
	    sessions_open(*state, slice_of(TOKEN), NOW, cookie));
	assert_null(sessions_find(*state, slice_of(cookie), NOW));
}

static void
the_one_unused_for_longest_gives_way(void **state)
{
	char cookies[SESSIONS_MAX + 1][SESSION_CHARS];
	int64_t at = NOW;
	size_t i;

	for (i = 0; i < SESSIONS_MAX; i++)
		sessions_open(*state, slice_of(TOKEN), at++, cookies[i]);
	assert_non_null(sessions_find(*state, slice_of(cookies[0]), at++));
	sessions_open(*state, slice_of(TOKEN), at++, cookies[i]);
	assert_null(sessions_find(*state, slice_of(cookies[1]), at));
	assert_non_null(sessions_find(*state, slice_of(cookies[0]), at));
	for (i = 2; i <= SESSIONS_MAX; i++)
		assert_non_null(
		    sessions_find(*state, slice_of(cookies[i]), at));
}

static void
guesses_are_few(void **state)
{
	int64_t wait, at = NOW;
	int i;

	for (i = 0; i < SESSION_TRIES; i++) {
		assert_true(sessions_may_try(*state, at, &wait));
		sessions_failed(*state, at);
	}
	assert_false(sessions_may_try(*state, at, &wait));
	assert_int_equal(wait, SESSION_TRY_S);
	at += SESSION_TRY_S * SECOND;
	assert_true(sessions_may_try(*state, at, &wait));
	sessions_failed(*state, at);
	assert_false(sessions_may_try(*state, at, &wait));
	at += SESSION_TRIES * SESSION_TRY_S * SECOND;
	for (i = 0; i < SESSION_TRIES; i++) {
		assert_true(sessions_may_try(*state, at, &wait));
		sessions_failed(*state, at);
	}
	assert_false(sessions_may_try(*state, at, &wait));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_session_brings_the_token_it_was_opened_with),
		TEST(only_its_own_guard_will_do),
		TEST(it_ends_when_it_is_not_used),
		TEST(it_ends_however_much_it_is_used),
		TEST(whoever_signs_out_is_out),
		TEST(the_one_unused_for_longest_gives_way),
		TEST(guesses_are_few),
	};
#undef TEST

	return cmocka_run_group_tests(tests, NULL, NULL);
}
