#include "common/store/posting.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/store/pile.h"
#include "common/store/recount.h"
#include "common/store/slip.h"
#include "common/store/spend.h"

#define SLIP_BYTES (64 << 10) /* far beyond that of any turn */

struct posting {
	const struct ledger_watch *watch;
	struct recount *recount;
	size_t held; /* for it, of the rows gathered */
	struct pile pile;
	struct rollup *rollup;
	struct slips *slips; /* NULL: added at once */
	char slip_key[SLIP_KEY_BYTES];
	struct buf slip;
	struct posting_place to; /* of the row being posted */
};

struct posting *
posting_new(const struct ledger_watch *watch, struct slips *slips,
    struct recount *recount)
{
	struct posting *p = xcalloc(1, sizeof(*p));

	p->watch = watch;
	p->recount = recount;
	p->rollup = rollup_new();
	p->slips = slips;
	if (slips != NULL)
		slip_writer(slips, p->slip_key);
	buf_init(&p->slip, SLIP_BYTES);
	return p;
}

void
posting_free(struct posting *p)
{
	if (p == NULL)
		return;
	rollup_free(p->rollup);
	buf_fini(&p->slip);
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

static void
take_cell(void *arg, const char key[ROLLUP_KEY_BYTES], struct slice total)
{
	slip_write_cell(arg, key, total);
}

static void
write_slip(struct posting *p, struct posting_place to)
{
	const struct rollup_taker taker = { take_cell, &p->slip };
	size_t i;

	buf_reset(&p->slip);
	for (i = 0; i < p->pile.count; i++)
		slip_write_sum(&p->slip,
		    slice_make(p->pile.items[i].key, p->pile.items[i].key_len),
		    p->pile.items[i].sums);
	p->pile.count = 0;
	rollup_give(p->rollup, to.batch, to.db, &taker);
	if (p->slip.len == 0)
		return;
	if (p->slip.failed)
		abort(); /* a total is small: what would be counted is lost */
	slip_next(p->slips, p->slip_key);
	db_batch_put(to.batch, to.db, FAMILY_SLIP,
	    slice_make(p->slip_key, sizeof(p->slip_key)), buf_slice(&p->slip));
}

size_t
posting_write(struct posting *p, struct posting_place to)
{
	size_t held = p->held;

	p->held = 0;
	if (p->slips != NULL) {
		write_slip(p, to);
		return held;
	}
	pile_write(&p->pile, to.batch, to.db);
	rollup_write(p->rollup, to.batch, to.db);
	return held;
}
