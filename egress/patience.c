#include "egress/patience.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "egress/call.h"
#include "topology/load.h"

static bool
is_over(int64_t since_us, int64_t most_ms, int64_t now_us)
{
	return now_us - since_us > most_ms * US_PER_MS;
}

/* A byte now and then is no reading that may go on for ever. */
static bool
is_unread(const struct call *c, const struct timeouts *most, int64_t now_us)
{
	int64_t read_us = max_i64(c->read_us, c->ended_us);

	return is_over(read_us, most->idle_ms, now_us) ||
	       is_over(c->ended_us, most->total_ms, now_us);
}

bool
patience_is_over(const struct call *c, int64_t now_us)
{
	const struct timeouts *most = &c->topology->egress->timeouts;

	if (c->step == CALL_BODY)
		return is_over(c->begun_us,
		    min_i64(c->remaining_ms, most->total_ms), now_us);
	/* Before its end the transfer has deadlines of its own. */
	return c->step == CALL_RELAY && c->over && c->out.len > 0 &&
	       is_unread(c, most, now_us);
}

void
patience_tick(struct call *c, int64_t now_us)
{
	if (c->stream == NULL || !patience_is_over(c, now_us))
		return;
	log_warn("call given up: its node lets it wait",
	    log_str("peer", c->peer.name),
	    log_slice("target", c->envelope.target),
	    log_str("for", c->over ? "reading" : "the body"));
	stream_cancel(c->stream);
	c->stream = NULL;
	call_interrupt(c, FAIL_CLIENT_GONE);
}
