#include "node/closing.h"

#include <assert.h>

#include "common/member/worker.h"
#include "common/store/sum.h"
#include "node/node.h"
#include "node/recall.h"
#include "node/record.h"
#include "node/request.h"
#include "node/throttle.h"
#include "node/uplink.h"

static void
on_settled(void *arg, bool stored)
{
	struct request *r = arg;

	assert(stored); /* settlements are kept until they are */
	r->settlement = WRITTEN;
	if (r->attempts > 1)
		sum_correct(r->desk->worker->turn, &r->id);
	request_run(r);
}

static void
write_rows(struct request *r)
{
	struct request_row request;
	struct attempt_row attempt;

	record_spend(r);
	record_rows(r, "settled", &request, &attempt);
	throttle_leave(r, &attempt);
	if (r->intent == NOT_WRITTEN || r->intent == WRITE_REFUSED ||
	    r->round.settled)
		ledger_refused(r->desk->worker->turn, &request);
	else
		ledger_settle(r->desk->worker->turn, &request, &attempt);
	if (r->attempt.message != NULL && !r->round.settled)
		uplink_keep(r->desk, &r->attempt.receipt,
		    buf_slice(r->attempt.message));
	admission_settle(r, &request);
	if (record_decision_is_due(r))
		record_decision(r, LEDGER_SETTLEMENTS);
	recall_keep(r);
	ledger_wait_cancel(&r->wait);
	ledger_wait_init(&r->wait, on_settled, r);
	ledger_await(r->desk->worker->turn, LEDGER_SETTLEMENTS, &r->wait);
	r->settlement = WRITING;
}

/*
 * Without a caller there is nobody to write a row for; without an intent and
 * with a store that takes nothing, the refusal does not wait for its row.
 */
static bool
goes_unwritten(const struct request *r)
{
	return r->caller == NULL ||
	       (r->attempts == 0 && ledger_stuck(r->desk->worker->turn));
}

bool
closing_write(struct request *r)
{
	if (r->caller != NULL)
		smoothing_leave_line(r);
	if (!goes_unwritten(r)) {
		write_rows(r);
		return true;
	}
	throttle_leave(r, NULL);
	admission_settle(r, NULL);
	return false;
}
