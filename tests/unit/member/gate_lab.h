#pragma once
/*
 * gate_lab: a gate with a loop of its own, guests by letter, and a diary of
 * what they heard.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/member/gate.h"
#include "common/net/loop.h"

#define SECOND ((int64_t)US_PER_SECOND)

/* A request at the gate, and what it heard, a letter each in the diary. */
struct guest {
	struct lab *lab;
	struct gate_pass pass;
	char letter;
	struct guest *takes_along; /* leaves when this one is called */
};

struct lab {
	struct loop *loop;
	struct bell bell;
	struct gate gate;
	struct guest guests[16];
	size_t awaited; /* calls until the loop ends */
	char diary[64];
	int64_t now_us;
};

static inline void
lab_open(struct lab *l, const struct shaping_terms *terms)
{
	memset(l, 0, sizeof(*l));
	l->loop = loop_new("test");
	l->now_us = clock_mono_us();
	bell_init(&l->bell, l->loop);
	gate_init(&l->gate, slice_of("gate"));
	gate_set(&l->gate, terms, l->now_us);
}

/* All leave, and nothing is left. */
static inline void
lab_close(struct lab *l)
{
	size_t i;

	for (i = 0; i < count_of(l->guests); i++)
		gate_undo(&l->guests[i].pass, l->now_us);
	assert_int_equal(l->gate.waiting, 0);
	assert_int_equal(l->gate.whole.running, 0);
	assert_int_equal(l->gate.backlog.input_tokens, 0);
	assert_int_equal(l->gate.backlog.output_tokens, 0);
	loop_stop(l->loop);
	loop_run(l->loop);
	bell_fini(&l->bell);
	gate_fini(&l->gate);
	loop_free(l->loop);
}

static inline void
on_decided(void *arg)
{
	struct guest *g = arg;
	struct lab *l = g->lab;
	char c = g->letter;

	if (gate_state(&g->pass) == PASS_REFUSED)
		c = (char)(c - 'a' + 'A');
	l->diary[strlen(l->diary)] = c;
	if (g->takes_along != NULL)
		gate_undo(&g->takes_along->pass, clock_mono_us());
	if (l->awaited > 0 && --l->awaited == 0)
		loop_stop(l->loop);
}

static inline struct gate_wish
wish_of(struct lab *l, const char *party, const char *part, int64_t tokens)
{
	return (struct gate_wish){ .party = slice_of(party),
		.flow = slice_of("flow"),
		.part = slice_of(part),
		.weight = 1,
		.toll = { tokens, 0 },
		.max_wait_us = 3600 * SECOND,
		.bell = &l->bell };
}

static inline enum pass_state
enters_as(struct lab *l, char letter, struct gate_wish wish)
{
	struct guest *g = &l->guests[letter - 'a'];

	g->lab = l;
	g->letter = letter;
	wish.call = on_decided;
	wish.arg = g;
	return gate_enter(&l->gate, &g->pass, &wish, l->now_us);
}

static inline enum pass_state
enters(struct lab *l, char letter)
{
	return enters_as(l, letter, wish_of(l, "p", "", 10));
}

static inline struct gate_pass *
pass(struct lab *l, char letter)
{
	return &l->guests[letter - 'a'].pass;
}

static inline void
hears(struct lab *l, const char *diary)
{
	l->awaited = strlen(diary) - strlen(l->diary);
	loop_run(l->loop);
	assert_string_equal(l->diary, diary);
}
