#include "node/checkpoint.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "common/store/checkpoint.h"
#include "node/node.h"
#include "node/uplink.h"

#define TICK_US US_PER_SECOND
/* A parent of an older version passes 16 such messages a minute over. */
#define TICKS_A_WORD  5
#define TICKS_A_ROUND 60 /* what was told before, again */
#define MESSAGE_BYTES 16384

struct checkpoints {
	struct desk *desk;
	struct loop_timer *timer;
	struct checkpoint_walk walk;
	struct checkpoint_place places[CHECKPOINTS_MAX];
	size_t count;
	uint64_t commit;       /* all places are durable once this one is */
	uint64_t round_commit; /* when the round of the walk began */
	uint64_t quiet_commit; /* of the last one in which nothing grew */
	bool grew;             /* in this round */
	unsigned ticks;
	char told[CHECKPOINT_KEY_MAX]; /* the last that was told again */
};

/* A chain that grew again takes its own place. */
static void
note(struct checkpoints *c, const struct checkpoint_place *p)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (strcmp(c->places[i].chain, p->chain) == 0) {
			c->places[i] = *p;
			return;
		}
	if (c->count < CHECKPOINTS_MAX)
		c->places[c->count++] = *p;
}

/* Of a store in which nothing was written since a round found nothing, none. */
static void
look(struct checkpoints *c)
{
	struct checkpoint_place found[CHECKPOINTS_MAX];
	struct ledger *l = c->desk->node->process->ledger;
	size_t count, i;

	if (checkpoint_walk_begins(&c->walk)) {
		c->round_commit = ledger_committed(l);
		c->grew = false;
	}
	if (c->round_commit == c->quiet_commit)
		return;
	count = checkpoint_walk(&c->walk, l, found, CHECKPOINTS_MAX);
	for (i = 0; i < count; i++)
		note(c, &found[i]);
	if (count > 0)
		c->commit = ledger_committed(l);
	c->grew |= count > 0;
	if (!c->grew && checkpoint_walk_begins(&c->walk))
		c->quiet_commit = c->round_commit;
}

/* Those of one egress, if it is there now. */
static void
tell(const struct uplink *u, const struct buf *messages, size_t count)
{
	struct buf some[CHECKPOINTS_MAX], bytes;
	struct checkpoint cp;
	size_t i, n = 0;

	for (i = 0; i < count; i++)
		if (checkpoint_read(&cp, buf_slice(&messages[i])) &&
		    slice_is(cp.row.egress, uplink_parent(u)))
			some[n++] = messages[i];
	if (n == 0 || !link_is_up(uplink_link(u)))
		return;
	buf_init(&bytes, MESSAGE_BYTES);
	checkpoints_write(&bytes, some, n);
	link_send(uplink_link(u), LINK_CHECKPOINT, buf_slice(&bytes));
	buf_fini(&bytes);
}

static void
tell_all(struct checkpoints *c, struct buf *messages, size_t count)
{
	struct desk *d = c->desk;
	size_t i;

	for (i = 0; i < d->uplinks_count; i++)
		tell(d->uplinks[i], messages, count);
	for (i = 0; i < count; i++)
		buf_fini(&messages[i]);
}

static void
sign(struct checkpoints *c)
{
	struct process *p = c->desk->node->process;
	struct buf messages[CHECKPOINTS_MAX];
	char room[CHECKPOINT_KEY_MAX];
	size_t i;

	checkpoint_sign(c->places, c->count, clock_wall_us(), p->identity.key,
	    messages);
	for (i = 0; i < c->count; i++)
		ledger_put(c->desk->worker->turn, LEDGER_SETTLEMENTS,
		    FAMILY_META,
		    checkpoint_key(room, slice_of(c->places[i].chain)),
		    buf_slice(&messages[i]));
	tell_all(c, messages, c->count);
	c->count = 0;
}

/* In an idle hour, what a link that was down did not carry; in turns. */
static void
tell_again(struct checkpoints *c)
{
	struct buf messages[CHECKPOINTS_MAX];
	struct slice key, value;
	struct db_scan *scan;
	size_t count = 0;

	if (c->told[0] == '\0')
		memcpy(c->told, CHECKPOINT_PREFIX, sizeof(CHECKPOINT_PREFIX));
	/* With the zero behind it: the key after the last one. */
	scan = db_scan_new(ledger_db(c->desk->node->process->ledger),
	    FAMILY_META, slice_make(c->told, strlen(c->told) + 1),
	    slice_of(CHECKPOINT_END), false);
	while (count < CHECKPOINTS_MAX && db_scan_next(scan, &key, &value)) {
		memset(c->told, 0, sizeof(c->told));
		memcpy(c->told, key.ptr,
		    min_size(key.len, sizeof(c->told) - 1));
		buf_init(&messages[count], CHECKPOINT_MAX);
		buf_put_slice(&messages[count++], value);
	}
	db_scan_free(scan);
	if (count < CHECKPOINTS_MAX)
		c->told[0] = '\0';
	tell_all(c, messages, count);
}

static void
on_timer(void *arg)
{
	struct checkpoints *c = arg;
	struct ledger *l = c->desk->node->process->ledger;

	loop_timer_set(c->timer, TICK_US);
	if (ledger_stuck(c->desk->worker->turn))
		return;
	look(c);
	if (++c->ticks % TICKS_A_WORD != 0)
		return;
	if (c->count > 0 && ledger_durable(l) >= c->commit)
		sign(c);
	else if (c->ticks % TICKS_A_ROUND == 0)
		tell_again(c);
}

struct checkpoints *
checkpoints_start(struct desk *d)
{
	struct checkpoints *c;

	if (d->worker->index != 0)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->desk = d;
	c->quiet_commit = UINT64_MAX; /* none yet */
	c->timer = loop_timer_new(d->worker->loop, on_timer, c);
	loop_timer_set(c->timer, TICK_US);
	return c;
}

void
checkpoints_stop(struct checkpoints *c)
{
	if (c == NULL)
		return;
	loop_timer_free(c->timer);
	free(c);
}
