/*
 * bench-strategy: what it costs to put a request's eight targets in order,
 * with a look at each under its lock.  Groups come by turns, and are more
 * than the processor's nearest caches hold, as in a node that serves many.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/member/target.h"
#include "node/strategy/draw.h"
#include "node/strategy/plan.h"

#define TARGETS  8
#define GROUPS   64
#define ROUNDS   2001 /* odd: there is a median */
#define ATTEMPTS 1000
#define SECOND   ((int64_t)US_PER_SECOND)

struct served {
	struct group group;
	struct group_target listed[TARGETS];
	struct target_state *states[TARGETS];
};

struct bench {
	void (*order)(struct plan *p, const struct order_wish *wish);
	struct draw draw;
	int64_t now_us;
	uint64_t requests, sum; /* of first indexes: nothing is left out */
	struct served served[GROUPS];
};

/* Ten minutes of attempts, some of which failed. */
static void
live(struct bench *b, struct target_state *t)
{
	struct target_outcome o;
	int i;

	for (i = 0; i < ATTEMPTS; i++) {
		o = (struct target_outcome){ .failure = FAILURE_NONE };
		o.seen.ttft_us =
		    (int64_t)(100000 + draw_below(&b->draw, 900000));
		o.seen.total_us =
		    o.seen.ttft_us + (int64_t)draw_below(&b->draw, 20000000);
		o.seen.output_tokens = (int64_t)draw_below(&b->draw, 2000);
		if (draw_below(&b->draw, 100) == 0)
			o.failure = FAILURE_SERVER;
		target_leave(t, &o, b->now_us + i * 600 * SECOND / ATTEMPTS);
	}
}

static void
serve(struct bench *b, struct target_states *states, size_t at)
{
	struct served *s = &b->served[at];
	char name[32];
	size_t i;

	s->group.targets = s->listed;
	s->group.targets_count = TARGETS;
	s->group.score.explore_ppm = 20000;
	s->group.score.min_attempts = 20;
	for (i = 0; i < SCORE_TERMS; i++)
		s->group.score.weights_ppm[i] = 125000;
	for (i = 0; i < TARGETS; i++) {
		s->listed[i].weight = (int64_t)(1 + draw_below(&b->draw, 9));
		s->listed[i].quality_ppm =
		    (int64_t)draw_below(&b->draw, 1000000);
		snprintf(name, sizeof(name), "provider/model-%zu-%zu", at, i);
		s->states[i] = target_state_get(states, slice_of(name));
		live(b, s->states[i]);
	}
}

static void
request(struct bench *b, struct served *s)
{
	struct candidate candidates[TARGETS];
	struct plan plan = { .candidates = candidates, .count = TARGETS };
	const struct order_wish wish = { .group = &s->group,
		.complexity = 0.4,
		.seed = ++b->requests };
	struct target_look look;
	size_t i;

	memset(candidates, 0, sizeof(candidates));
	for (i = 0; i < TARGETS; i++) {
		target_look(s->states[i], &look, b->now_us, b->now_us);
		candidates[i].listed = &s->listed[i];
		candidates[i].seen = look.seen;
		candidates[i].cost_microusd = (int64_t)(100 + 50 * i);
		candidates[i].warm = i == 3;
		if (look.wait_us > 0 || look.disabled_until_us != 0)
			candidates[i].excluded = EXCLUSION_BACKING_OFF;
	}
	b->order(&plan, &wish);
	b->sum += plan.order[0];
	b->now_us += US_PER_MS / 10;
}

static int
by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* Microseconds of one request: the median of rounds over all groups. */
static double
measure(struct bench *b)
{
	int64_t took_us[ROUNDS], begun_us;
	size_t i, g, turn;

	for (i = 0; i < ROUNDS; i++) {
		begun_us = clock_mono_us();
		for (turn = 0; turn < 4; turn++)
			for (g = 0; g < GROUPS; g++)
				request(b, &b->served[g]);
		took_us[i] = clock_mono_us() - begun_us;
	}
	qsort(took_us, ROUNDS, sizeof(took_us[0]), by_size);
	return (double)took_us[ROUNDS / 2] / (4 * GROUPS);
}

int
main(int argc, char **argv)
{
	struct target_states *states;
	struct bench *b;
	size_t i;

	if (argc != 2 || (strcmp(argv[1], "weighted") != 0 &&
			     strcmp(argv[1], "score") != 0)) {
		fputs("usage: bench-strategy weighted | score\n", stderr);
		return 2;
	}
	if (!crypto_start())
		return 1;
	b = xcalloc(1, sizeof(*b));
	b->order = argv[1][0] == 'w' ? order_weighted : order_score;
	b->draw = draw_of(1);
	b->now_us = clock_mono_us();
	states = target_states_new();
	for (i = 0; i < GROUPS; i++)
		serve(b, states, i);
	b->now_us += 600 * SECOND;
	printf("%.3f\n", measure(b));
	i = b->sum > 0 ? 0 : 1;
	target_states_free(states);
	free(b);
	return (int)i;
}
