#include "common/store/posting.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/store/pile.h"
#include "common/store/recount.h"
#include "common/store/rollup.h"
#include "common/store/spend.h"

struct posting {
	const struct ledger_watch *watch;
	struct recount *recount;
	size_t held; /* for it, of the rows gathered */
	struct pile pile;
	struct rollup *rollup;
	struct posting_place to; /* of the row being posted */
};

struct posting *
posting_new(const struct ledger_watch *watch, struct recount *recount)
{
	struct posting *p = xcalloc(1, sizeof(*p));

	p->watch = watch;
	p->recount = recount;
	p->rollup = rollup_new();
	return p;
}

void
posting_free(struct posting *p)
{
	if (p == NULL)
		return;
	rollup_free(p->rollup);
	free(p);
}

void
posting_add(struct posting *p, struct posting_place to, struct slice key,
    const int64_t sums[MERGE_SUMS])
{
	if (pile_add(&p->pile, key, sums))
		return;
	pile_write(&p->pile, to.batch, to.db);
	if (!pile_add(&p->pile, key, sums))
		abort(); /* an empty one has room */
}

static void
add(void *arg, struct slice key, const int64_t *sums)
{
	struct posting *p = arg;

	posting_add(p, p->to, key, sums);
}

void
posting_request(struct posting *p, struct posting_place to,
    const struct request_row *before, struct request_row *row)
{
	struct spend more;

	p->to = to;
	if (spend_of_request(row, &more)) {
		spend_put_request(row, &more, add, p);
		if (p->watch != NULL && p->watch->request != NULL)
			p->watch->request(p->watch->arg, row, &more);
	}
	if (recount_counted(p->recount, ROW_REQUEST, &row->id, &p->held))
		rollup_request(p->rollup, to.batch, to.db, before, row);
}

void
posting_attempt(struct posting *p, struct posting_place to,
    const struct attempt_row *before, struct attempt_row *row)
{
	struct spend more;

	p->to = to;
	if (spend_of_attempt(row, &more)) {
		spend_put_attempt(row, &more, add, p);
		if (p->watch != NULL && p->watch->attempt != NULL)
			p->watch->attempt(p->watch->arg, row, &more);
	}
	if (recount_counted(p->recount, ROW_ATTEMPT, &row->request, &p->held))
		rollup_attempt(p->rollup, to.batch, to.db, before, row);
}

size_t
posting_write(struct posting *p, struct posting_place to)
{
	size_t held = p->held;

	pile_write(&p->pile, to.batch, to.db);
	rollup_write(p->rollup, to.batch, to.db);
	p->held = 0;
	return held;
}
