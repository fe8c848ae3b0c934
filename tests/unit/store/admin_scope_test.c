#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/store/admin_scope.h"

#define NAME(text)                                                             \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static const struct slice payments[] = { NAME("payments") };
static const struct slice both[] = { NAME("checkout"), NAME("fraud") };

static bool
allows(const struct admin_scope *s, const char *team, const char *project)
{
	return admin_scope_allows(s, slice_of(team), slice_of(project));
}

static void
without_names_it_is_everything(void **state)
{
	const struct admin_scope all = { NULL, 0, NULL, 0 };

	(void)state;
	assert_true(admin_scope_is_all(NULL));
	assert_true(admin_scope_is_all(&all));
	assert_true(allows(NULL, "", ""));
	assert_true(allows(&all, "payments", ""));
}

static void
a_row_has_to_be_of_a_team_and_of_a_project(void **state)
{
	const struct admin_scope teams = { payments, 1, NULL, 0 };
	const struct admin_scope projects = { NULL, 0, both, 2 };
	const struct admin_scope of_both = { payments, 1, both, 2 };

	(void)state;
	assert_false(admin_scope_is_all(&teams));
	assert_true(allows(&teams, "payments", "other"));
	assert_false(allows(&teams, "search", "checkout"));
	assert_false(allows(&teams, "", "checkout"));
	assert_true(allows(&projects, "search", "fraud"));
	assert_false(allows(&projects, "search", "other"));
	assert_false(allows(&projects, "payments", ""));
	assert_true(allows(&of_both, "payments", "checkout"));
	assert_false(allows(&of_both, "search", "checkout"));
	assert_false(allows(&of_both, "payments", "other"));
}

static void
nobody_gives_more_than_it_has(void **state)
{
	const struct admin_scope all = { NULL, 0, NULL, 0 };
	const struct admin_scope one = { NULL, 0, both, 1 };
	const struct admin_scope two = { NULL, 0, both, 2 };
	const struct admin_scope team = { payments, 1, NULL, 0 };
	const struct admin_scope team_one = { payments, 1, both, 1 };

	(void)state;
	assert_true(admin_scope_holds(&all, &all));
	assert_true(admin_scope_holds(&all, &two));
	assert_true(admin_scope_holds(&two, &one));
	assert_false(admin_scope_holds(&one, &two));
	assert_false(admin_scope_holds(&one, &all));
	assert_false(admin_scope_holds(&one, &team));
	assert_true(admin_scope_holds(&team, &team_one));
	assert_false(admin_scope_holds(&team_one, &team));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_names_it_is_everything),
		cmocka_unit_test(a_row_has_to_be_of_a_team_and_of_a_project),
		cmocka_unit_test(nobody_gives_more_than_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
