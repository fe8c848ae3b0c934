#include "tests/sim/plan.h"

#include <string.h>

void
plan_reset(struct plan *p)
{
	p->count = 0;
}

static bool
same_caller(const struct script *a, const struct script *b)
{
	return a->for_attempt == b->for_attempt &&
	       !strcmp(a->for_model, b->for_model);
}

/* The place of a standing script, or the one after the last. */
static size_t
place_of(const struct plan *p, const struct script *s)
{
	size_t i;

	for (i = 0; i < p->count && !s->times; i++)
		if (!p->scripts[i].times && same_caller(&p->scripts[i], s))
			return i;
	return p->count;
}

bool
plan_add(struct plan *p, const char *words, size_t len, char bad[64])
{
	struct script s;
	size_t place;

	script_init(&s);
	if (!script_parse(&s, words, len, bad))
		return false;
	place = place_of(p, &s);
	if (place == PLAN_MAX) {
		snprintf(bad, 64, "%s", "(the plan is full)");
		return false;
	}
	p->scripts[place] = s;
	p->count += place == p->count;
	return true;
}

static void
use(struct plan *p, size_t i)
{
	if (--p->scripts[i].times)
		return;
	p->count--;
	memmove(&p->scripts[i], &p->scripts[i + 1],
	    (p->count - i) * sizeof(p->scripts[0]));
}

void
plan_take(struct plan *p, const struct caller *who, struct script *to)
{
	const struct script *standing = NULL;
	size_t i;

	for (i = 0; i < p->count; i++) {
		const struct script *s = &p->scripts[i];

		if (!script_means(s, who))
			continue;
		if (s->times) {
			*to = *s;
			use(p, i);
			return;
		}
		standing = s;
	}
	if (standing)
		*to = *standing;
	else
		script_init(to);
}
