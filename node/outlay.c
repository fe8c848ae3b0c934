#include "node/outlay.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/member/limits.h"
#include "common/member/outlay.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "node/node.h"
#include "node/uplink.h"
#include "topology/load.h"

#define PERIOD_US     US_PER_SECOND
#define MESSAGE_BYTES 4096
#define DAYS_TOLD     62 /* of this month and the last */

static void
add_day(void *arg, const struct spend_sum *sum)
{
	struct outlay *o = arg;

	if (o->count < OUTLAY_DAYS_MAX && sum->spend.day > 0)
		o->days[o->count++] =
		    (struct outlay_day){ sum->spend.day, sum->spend.amounts };
}

static bool
gather(const struct desk *d, struct outlay *o)
{
	const struct spend_sum from = {
		.level = SCOPE_TEAM,
		.name = d->worker->topology->self->team,
		.spend = { .day = limits_day(d->node->limits) - DAYS_TOLD },
	};

	o->count = 0;
	return spend_days(d->node->process->ledger, &from, add_day, o);
}

static void
tell(struct desk *d)
{
	struct outlay o;
	struct buf message;
	size_t i;

	if (!gather(d, &o)) {
		outlay_anew(&d->outlay_pace);
		return;
	}
	if (o.count == 0)
		return;
	buf_init(&message, MESSAGE_BYTES);
	outlay_write(&message, &o);
	for (i = 0; i < d->uplinks_count; i++) {
		struct link *l = uplink_link(d->uplinks[i]);

		if (link_is_up(l) && !message.failed)
			link_send(l, LINK_REPORT, buf_slice(&message));
	}
	buf_fini(&message);
}

static void
on_timer(void *arg)
{
	struct desk *d = arg;

	if (outlay_due(&d->outlay_pace, atomic_load(&d->node->outlays)))
		tell(d);
	loop_timer_set(d->outlay_timer, PERIOD_US);
}

void
outlay_again(struct desk *d)
{
	outlay_anew(&d->outlay_pace);
}

void
outlay_start(struct desk *d)
{
	if (d->worker->index != 0)
		return;
	d->outlay_timer = loop_timer_new(d->worker->loop, on_timer, d);
	loop_timer_set(d->outlay_timer, PERIOD_US);
}

void
outlay_stop(struct desk *d)
{
	loop_timer_free(d->outlay_timer);
}
