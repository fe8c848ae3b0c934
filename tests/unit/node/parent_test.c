#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/parent.h"

static void
looks(struct parents *p, const char *name, uint64_t up, uint64_t serves)
{
	struct parent_look look = parents_look(p, slice_of(name));

	assert_int_equal(look.up, up);
	assert_int_equal(look.serves, serves);
}

static void
a_parent_serves_where_its_link_and_catalog_are(void **state)
{
	struct parents *p = parents_new();

	(void)state;
	looks(p, "north", 0, 0);
	parents_note(p, "north", 0, PARENT_LINK, true);
	parents_note(p, "north", 63, PARENT_LINK, true);
	looks(p, "north", 1 | UINT64_C(1) << 63, 0);
	parents_note(p, "north", 63, PARENT_CATALOG, true);
	parents_note(p, "north", 2, PARENT_CATALOG, true); /* a stored one */
	looks(p, "north", 1 | UINT64_C(1) << 63, UINT64_C(1) << 63);
	looks(p, "south", 0, 0);
	parents_note(p, "south", 1, PARENT_LINK, true);
	looks(p, "south", 2, 0);
	looks(p, "nort", 0, 0);
	parents_note(p, "north", 63, PARENT_LINK, false);
	looks(p, "north", 1, 0);
	parents_free(p);
}

static void
a_name_that_has_nothing_is_forgotten(void **state)
{
	struct parents *p = parents_new();

	(void)state;
	parents_note(p, "north", 3, PARENT_LINK, false);
	parents_note(p, "north", 3, PARENT_LINK, true);
	parents_note(p, "north", 3, PARENT_LINK, true);
	parents_note(p, "north", 3, PARENT_LINK, false);
	looks(p, "north", 0, 0);
	parents_note(p, "north", 3, PARENT_CATALOG, true);
	looks(p, "north", 0, 0);
	parents_free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_parent_serves_where_its_link_and_catalog_are),
		cmocka_unit_test(a_name_that_has_nothing_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
