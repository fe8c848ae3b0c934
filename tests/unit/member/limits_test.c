#include "tests/unit/store/fixture.h"

#include "common/member/limits.h"
#include "topology/load.h"

struct topology *
topology_hold(struct topology *t)
{
	return t;
}

void
topology_release(struct topology *t)
{
	(void)t;
}

/* As many at a time as the topology's version says. */
static struct limit_terms
find(const struct topology *t, const struct limits_who *who)
{
	(void)who;
	return (struct limit_terms){ .rates.concurrent = t->node_version };
}

static int64_t
lets_in(struct limits *l)
{
	const struct limits_who who = { SCOPE_NODE, slice_of(""),
		slice_of("") };
	struct limits_standing s;

	limits_stand(l, &who, &s);
	return s.scope.rates.concurrent;
}

/* Threads adopt at their own time; files may say what they said before. */
static void
terms_go_forward_whoever_adopts_last(void **state)
{
	const struct limits_source source = { find };
	struct topology first = { .serial = 1, .node_version = 100 };
	struct topology second = { .serial = 2, .node_version = 5 };
	struct topology third = { .serial = 3, .node_version = 100 };
	struct fixture f;
	struct limits *l;

	(void)state;
	fixture_new(&f);
	l = limits_open(f.ledger, &first, &source);
	assert_non_null(l);
	assert_int_equal(lets_in(l), 100);
	limits_adopt(l, &second);
	assert_int_equal(lets_in(l), 5);
	limits_adopt(l, &first);
	assert_int_equal(lets_in(l), 5);
	limits_adopt(l, &third);
	assert_int_equal(lets_in(l), 100);
	limits_adopt(l, &second);
	assert_int_equal(lets_in(l), 100);
	limits_close(l);
	fixture_free(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_go_forward_whoever_adopts_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
