#pragma once
/*
 * bell: one a worker: wakes its requests that wait at any gate.  Gates ring it
 * from any thread, however many passes were let in; it looks at all that wait
 * on its own.
 */
#include <stdatomic.h>

#include "common/base/list.h"

struct loop;
struct loop_timer;

struct bell {
	struct loop *loop;
	struct list waiting; /* struct gate_pass.link */
	struct loop_timer *timer;
	atomic_bool rung;
};

void bell_init(struct bell *b, struct loop *loop);
void bell_fini(struct bell *b); /* nobody waits */

/*
 * With the lock of a gate whose line has a pass of this bell, or on the bell's
 * own thread.  False: its timer has to do.
 */
bool bell_ring(struct bell *b);
