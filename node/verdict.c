#include "node/verdict.h"

#include "common/llm/complaint.h"
#include "node/request.h"

enum fail
verdict_of(struct request *r)
{
	struct relay *relay = &r->relay;
	struct attempt *a = &r->attempt;

	/* Ours: its target is not to blame. */
	if (relay->starved)
		return FAIL_OVERLOADED;
	if (relay->oversize)
		r->detail = slice_of("The answer is larger than this node "
				     "holds; ask for a stream.");
	if (relay->oversize)
		return FAIL_UPSTREAM_FAILED;
	if (relay->broken && relay->scan.error)
		return fail_of_provider(0, buf_slice(&relay->answer));
	if (relay->broken)
		return FAIL_UPSTREAM_FAILED;
	/* The egress saw more of an error than it passed on. */
	if (a->fail != FAIL_NONE &&
	    (a->message != NULL || a->status / 100 == 2))
		return a->fail;
	if (a->status / 100 != 2 && a->status != 0)
		return fail_of_provider(a->status, buf_slice(&relay->answer));
	if (a->fail != FAIL_NONE)
		return a->fail;
	if (!r->shape.stream && !relay_whole(relay))
		return FAIL_UPSTREAM_FAILED;
	if (relay->scan.error)
		return fail_of_provider(0, buf_slice(&relay->answer));
	return relay_complete(relay) ? FAIL_NONE : FAIL_UPSTREAM_FAILED;
}

int64_t
verdict_wait_ms(const struct request *r)
{
	struct complaint c;
	struct arena arena;
	int64_t ms;

	if (r->attempt.retry_after_ms > 0 || r->relay.answer.len == 0)
		return r->attempt.retry_after_ms;
	arena_init(&arena, COMPLAINT_ARENA_BYTES);
	complaint_read(&c, &arena, buf_slice(&r->relay.answer));
	ms = complaint_retry_after_ms(&c);
	arena_fini(&arena);
	return ms;
}
