/*
 * A gate as threads share it, each with its own loop and bell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/member/gate.h"
#include "common/net/loop.h"

#define THREADS  4
#define VISITORS 16
#define VISITS   300

#define SLOTS      6
#define PART_SLOTS 2

struct shared {
	struct gate gate;
	atomic_int inside, inside_part; /* never more than there are slots */
	atomic_bool over;
};

struct worker;

struct visitor {
	struct worker *worker;
	struct gate_pass pass;
	struct loop_task again;
	bool inside, of_part;
};

/* A thread, its loop, and requests that come one after another. */
struct worker {
	pthread_t thread;
	struct shared *shared;
	struct loop *loop;
	struct bell bell;
	struct visitor visitors[VISITORS];
	uint64_t random;
	int visits, in, refused, left, waited, calls_awaited;
	size_t done;
	char name[8];
};

static uint32_t
chance(struct worker *w, uint32_t of)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->random >> 33) % of;
}

static void
visit_ends(struct visitor *v)
{
	struct worker *w = v->worker;

	if (w->visits < VISITS)
		loop_soon(w->loop, &v->again);
	else if (++w->done == VISITORS)
		loop_stop(w->loop);
}

/* It is inside for a turn of the loop. */
static void
goes_in(struct visitor *v)
{
	struct shared *s = v->worker->shared;

	v->inside = true;
	v->worker->in++;
	if (atomic_fetch_add(&s->inside, 1) >= SLOTS)
		atomic_store(&s->over, true);
	if (v->of_part && atomic_fetch_add(&s->inside_part, 1) >= PART_SLOTS)
		atomic_store(&s->over, true);
	loop_soon(v->worker->loop, &v->again);
}

static void
goes_out(struct visitor *v)
{
	struct worker *w = v->worker;
	const struct toll real = { chance(w, 50), chance(w, 50) };

	v->inside = false;
	atomic_fetch_sub(&w->shared->inside, 1);
	if (v->of_part)
		atomic_fetch_sub(&w->shared->inside_part, 1);
	if (chance(w, 3) == 0)
		gate_undo(&v->pass, clock_mono_us());
	else
		gate_leave(&v->pass, &real, clock_mono_us());
	visit_ends(v);
}

static void
is_decided(struct visitor *v, enum pass_state is)
{
	if (is == PASS_IN) {
		goes_in(v);
		return;
	}
	assert_int_equal(is, PASS_REFUSED);
	v->worker->refused++;
	gate_undo(&v->pass, clock_mono_us());
	visit_ends(v);
}

static void
on_call(void *arg)
{
	struct visitor *v = arg;

	v->worker->calls_awaited--;
	is_decided(v, gate_state(&v->pass));
}

static void
visit(struct visitor *v)
{
	struct worker *w = v->worker;
	const bool of_part = chance(w, 3) == 0;
	const struct gate_wish wish = { .party = slice_of(w->name),
		.flow = slice_of("f"),
		.part = slice_of(of_part ? "m" : ""),
		.weight = 1 + chance(w, 3),
		.toll = { chance(w, 50), chance(w, 50) },
		.max_wait_us = 5000 + chance(w, 20000),
		.bell = &w->bell,
		.call = on_call,
		.arg = v };
	enum pass_state is;

	v->of_part = of_part;
	w->visits++;
	is = gate_enter(&w->shared->gate, &v->pass, &wish, clock_mono_us());
	if (is != PASS_WAITS) {
		is_decided(v, is);
		return;
	}
	w->waited++;
	if (chance(w, 8) > 0) {
		w->calls_awaited++;
		return;
	}
	w->left++;
	gate_undo(&v->pass, clock_mono_us());
	visit_ends(v);
}

static void
on_again(void *arg)
{
	struct visitor *v = arg;

	if (v->inside)
		goes_out(v);
	else
		visit(v);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	size_t i;

	w->loop = loop_new("worker");
	bell_init(&w->bell, w->loop);
	for (i = 0; i < VISITORS; i++) {
		w->visitors[i].worker = w;
		loop_task_init(&w->visitors[i].again, on_again,
		    &w->visitors[i]);
		loop_soon(w->loop, &w->visitors[i].again);
	}
	loop_run(w->loop);
	return NULL;
}

static void
threads_share_a_gate_and_leave_it_as_it_was(void **state)
{
	static struct worker workers[THREADS];
	const struct shaping_terms whole = { .rpm = 6000000,
		.burst = 100,
		.tpm = 60000000,
		.concurrent = SLOTS,
		.queue_ms = 50,
		.queue_depth = 40 };
	const struct shaping_terms part = { .concurrent = PART_SLOTS,
		.queue_ms = 50,
		.queue_depth = 40 };
	struct shared s;
	struct gate_look look;
	size_t i;
	int in = 0, waited = 0;

	(void)state;
	memset(&s, 0, sizeof(s));
	gate_init(&s.gate, slice_of("shared"));
	gate_set(&s.gate, &whole, clock_mono_us());
	gate_set_part(&s.gate, slice_of("m"), &part, clock_mono_us());
	for (i = 0; i < THREADS; i++) {
		workers[i].shared = &s;
		workers[i].random = i + 1;
		snprintf(workers[i].name, sizeof(workers[i].name), "%zu", i);
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
				     &workers[i]),
		    0);
	}
	for (i = 0; i < THREADS; i++)
		pthread_join(workers[i].thread, NULL);
	for (i = 0; i < THREADS; i++) {
		struct worker *w = &workers[i];

		assert_int_equal(w->in + w->refused + w->left, w->visits);
		assert_int_equal(w->calls_awaited, 0);
		in += w->in;
		waited += w->waited;
		bell_fini(&w->bell);
		loop_free(w->loop);
	}
	assert_true(in > 100);
	assert_true(waited > 100);
	assert_false(atomic_load(&s.over));
	assert_int_equal(atomic_load(&s.inside), 0);
	gate_look(&s.gate, slice_of("m"), &look, clock_mono_us());
	assert_int_equal(look.running, 0);
	gate_look(&s.gate, slice_of(""), &look, clock_mono_us());
	assert_int_equal(look.running, 0);
	assert_int_equal(look.waiting, 0);
	assert_int_equal(s.gate.backlog.input_tokens, 0);
	assert_int_equal(s.gate.line.root.held, 0);
	gate_fini(&s.gate);
}

static int
start(void **state)
{
	(void)state;
	return crypto_start() ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_share_a_gate_and_leave_it_as_it_was),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
