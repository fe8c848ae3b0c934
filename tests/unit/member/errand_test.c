#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/member/errand.h"
#include "common/net/loop.h"

#define COUNT 10

struct scene {
	struct loop *loop;
	struct errands *errands;
	atomic_int gate; /* errands that may run */
	int done, ran;
};

struct chore {
	struct errand errand;
	struct scene *scene;
	int number;
	bool ran;
};

/* On the other thread: waits until it may, or until it is the end. */
static void
run(struct errand *e, const atomic_bool *stop)
{
	struct chore *c = container_of(e, struct chore, errand);

	while (atomic_load(&c->scene->gate) <= c->number && !atomic_load(stop))
		;
	c->ran = true;
}

static void
done(struct errand *e)
{
	struct chore *c = container_of(e, struct chore, errand);
	struct scene *s = c->scene;

	assert_int_equal(c->number, s->done);
	s->done++;
	s->ran += c->ran;
	if (s->done == COUNT)
		loop_stop(s->loop);
}

static void
begin(struct scene *s, struct chore chores[COUNT], int gate)
{
	int i;

	*s = (struct scene){ .loop = loop_new("test") };
	atomic_init(&s->gate, gate);
	s->errands = errands_new(s->loop);
	assert_non_null(s->errands);
	for (i = 0; i < COUNT; i++) {
		chores[i] = (struct chore){
			.errand = { .run = run, .done = done },
			.scene = s,
			.number = i,
		};
		assert_true(errands_send(s->errands, &chores[i].errand));
	}
}

static void
all_are_done_in_order_and_come_back(void **state)
{
	struct chore chores[COUNT];
	struct scene s;

	(void)state;
	begin(&s, chores, COUNT);
	loop_run(s.loop);
	assert_int_equal(s.done, COUNT);
	assert_int_equal(s.ran, COUNT);
	errands_free(s.errands);
	loop_free(s.loop);
}

/* Whoever asked is told, also when nothing came of it. */
static void
the_end_gives_back_what_is_left(void **state)
{
	struct chore chores[COUNT];
	struct scene s;

	(void)state;
	begin(&s, chores, 0);
	errands_free(s.errands);
	assert_int_equal(s.done, COUNT);
	assert_in_range(s.ran, 0, 1);
	loop_free(s.loop);
}

static void
too_many_are_refused(void **state)
{
	struct chore chores[COUNT], more[ERRANDS_WAITING_MAX + 2];
	struct scene s;
	int i, taken = 0;

	(void)state;
	begin(&s, chores, 0);
	for (i = 0; i < ERRANDS_WAITING_MAX + 2; i++) {
		more[i] = (struct chore){
			.errand = { .run = run, .done = done },
			.scene = &s,
			.number = COUNT + taken,
		};
		taken += errands_send(s.errands, &more[i].errand);
	}
	/* One of the first may have been begun, and waits no more. */
	assert_in_range(taken, ERRANDS_WAITING_MAX - COUNT,
	    ERRANDS_WAITING_MAX - COUNT + 1);
	errands_free(s.errands);
	assert_int_equal(s.done, COUNT + taken);
	loop_free(s.loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_done_in_order_and_come_back),
		cmocka_unit_test(the_end_gives_back_what_is_left),
		cmocka_unit_test(too_many_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
