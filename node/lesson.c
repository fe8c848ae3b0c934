#include "node/lesson.h"

#include "common/base/clock.h"
#include "common/llm/usage.h"
#include "common/member/journal.h"
#include "common/member/target.h"
#include "common/member/worker.h"
#include "node/node.h"
#include "node/record.h"
#include "node/request.h"
#include "topology/load.h"

uint32_t
lesson_random(const struct request *r)
{
	uint32_t random;

	memcpy(&random, r->id.bytes + ID_BYTES - sizeof(random),
	    sizeof(random));
	return random ^ ((uint32_t)r->attempts * 0x9e3779b9u);
}

static struct window_seen
seen_of(const struct request *r)
{
	const struct attempt *a = &r->attempt;
	int64_t first = r->relay.first_content_us;
	/* To wait for a turn says nothing of the target. */
	int64_t begun_us = a->called_us > 0 ? a->called_us : a->started_us;
	struct usage usage;

	/* How fast it counts says nothing of how fast it answers. */
	if (r->shape.operation == OPERATION_COUNT)
		return (struct window_seen){ .failed = false };
	record_usage(r, &usage);
	return (struct window_seen){
		.ttft_us = first > 0 ? first - begun_us : 0,
		.total_us = a->ended_us > 0 ? a->ended_us - begun_us : 0,
		.output_tokens = r->shape.stream ? usage_output(&usage) : 0,
	};
}

/*
 * The egress's receipt says that it saw that failure: then it judges by it.
 * Deadlines are ours too.
 */
static bool
is_told(const struct request *r, enum failure failure)
{
	return r->attempt.judged && r->attempt.message != NULL &&
	       r->attempt.receipt.row.class.len > 0 &&
	       failure != FAILURE_TIMEOUT;
}

/* Refused because the target backs off there: what our own look may miss. */
static void
heed(struct request *r)
{
	const struct target_word word = {
		.judge = outlook_judge(r->round.route->egress),
		.kind = target_kind(r->attempt.fail),
		.wait_us = r->attempt.retry_after_ms * US_PER_MS,
	};

	if (r->attempt.throttled && word.kind != BACKOFF_NONE)
		target_put_off(r->round.candidate->state, &word,
		    clock_mono_us());
}

void
lesson_learn(struct request *r, enum failure failure, bool given_up, bool again)
{
	struct target_outcome outcome = {
		.failure = failure,
		.given_up = given_up,
		.again = again,
		.told = is_told(r, failure),
		.probe = r->round.probe,
		.retry_after_us = r->retry_after_ms * US_PER_MS,
		.random = lesson_random(r),
	};
	struct target_change change;

	if (!r->round.entered)
		return;
	heed(r);
	outcome.seen = seen_of(r);
	change =
	    target_leave(r->round.candidate->state, &outcome, clock_mono_us());
	journal_target(r->desk->worker->turn, &r->desk->worker->ids,
	    r->round.candidate->route->target, &change);
	r->round.entered = again; /* it is still ours */
}
