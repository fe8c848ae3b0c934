#include "common/member/catchup.h"

#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/member/errand.h"
#include "common/member/process.h"
#include "common/net/loop.h"
#include "common/store/ledger.h"
#include "common/store/recount.h"

#define STINT_US (250 * US_PER_MS) /* of an errand: a report waits so long */
#define PAUSE_US (5 * US_PER_MS)   /* between two of them */
#define WAIT_US  (100 * US_PER_MS)
#define AGAIN_US (30 * (int64_t)US_PER_SECOND) /* after a failure */

struct catchup {
	struct errand errand;
	struct process *process;
	struct recount *recount;
	struct loop_timer *next;
	enum recount_result result; /* of the last slice */
};

static void
run(struct errand *e, const atomic_bool *stop)
{
	struct catchup *c = container_of(e, struct catchup, errand);
	int64_t until_us = clock_mono_us() + STINT_US;

	do
		c->result = recount_step(c->recount);
	while (c->result == RECOUNT_MORE && !atomic_load(stop) &&
	       clock_mono_us() < until_us);
}

static void
done(struct errand *e)
{
	static const int64_t pauses[] = {
		[RECOUNT_MORE] = PAUSE_US,
		[RECOUNT_WAITS] = WAIT_US,
		[RECOUNT_FAILED] = AGAIN_US,
	};
	struct catchup *c = container_of(e, struct catchup, errand);

	if (c->result != RECOUNT_DONE)
		loop_timer_set(c->next, pauses[c->result]);
}

static void
on_next(void *arg)
{
	struct catchup *c = arg;

	if (!errands_send(c->process->errands, &c->errand))
		loop_timer_set(c->next, WAIT_US);
}

struct catchup *
catchup_new(struct process *p, struct loop *loop)
{
	struct catchup *c;

	if (recount_done(ledger_db(p->ledger)))
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->process = p;
	c->recount = ledger_recount(p->ledger);
	c->errand.run = run;
	c->errand.done = done;
	c->result = RECOUNT_MORE;
	c->next = loop_timer_new(loop, on_next, c);
	loop_timer_set(c->next, PAUSE_US);
	return c;
}

void
catchup_free(struct catchup *c)
{
	if (c == NULL)
		return;
	loop_timer_free(c->next);
	free(c);
}
