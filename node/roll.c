#include "node/roll.h"

#include "common/base/clock.h"
#include "common/member/limits.h"
#include "common/member/tally.h"
#include "node/caller.h"
#include "node/node.h"
#include "topology/load.h"

static void
meet(struct node *n, enum scope_level level, struct slice name,
    struct slice tier)
{
	const struct limits_who who = { level, name, tier };
	struct chain chain;

	limits_chain(n->limits, &chain, &who, 1);
}

static void
call_callers(struct node *n)
{
	int64_t now_us = clock_wall_us();
	struct token_book *book = NULL;
	const struct caller *c;
	size_t at = 0;

	callers_refresh(n->callers, &book);
	while ((c = caller_next(book, &at)) != NULL)
		if (c->tier.len > 0 && caller_state(c, now_us) == TOKEN_ACTIVE)
			meet(n, SCOPE_CALLER, c->name, c->tier);
	token_book_release(book);
}

void
roll_call(struct node *n, struct tally *tally)
{
	struct topology *t = process_topology(n->process);
	const struct node_file *file = t->node;
	size_t i;

	*tally = (struct tally){ .limits = n->limits, .gates = n->gates };
	meet(n, SCOPE_NODE, slice_of(""), slice_of(""));
	for (i = 0; i < file->projects_count; i++)
		meet(n, SCOPE_PROJECT, file->projects[i].name, slice_of(""));
	for (i = 0; i < file->users_count; i++)
		meet(n, SCOPE_USER, file->users[i].name, slice_of(""));
	call_callers(n);
	topology_release(t);
}
