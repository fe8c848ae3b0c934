#pragma once
/*
 * plan: the scripts that control requests have set: standing ones, and ones
 * for the next so many calls, which go first, in the order they came.  A
 * standing script replaces the one for the same model and attempt.
 */
#include "tests/sim/script.h"

#define PLAN_MAX 64

struct plan {
	struct script scripts[PLAN_MAX]; /* times 0: standing */
	size_t count;
};

void plan_reset(struct plan *p);

/* False, and why, at a word that is none, or when the plan is full. */
bool plan_add(struct plan *p, const char *words, size_t len, char bad[64]);

/* The script of this caller's call, counted as used. */
void plan_take(struct plan *p, const struct caller *who, struct script *to);
