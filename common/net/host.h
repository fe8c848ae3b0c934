#pragma once
/*
 * host: what the links of one loop share: the list of those that have
 * something to send or to free, looked at in FLUSH and again in REST (so that
 * what RELEASE queued leaves in the same turn).  Made by the first link of a
 * loop, lives as long as the roster.  For the loop's thread.
 */
#include "common/base/list.h"
#include "common/net/loop.h"

struct conn;

struct host {
	struct loop *loop;
	struct list all;   /* in the roster's hosts */
	struct list dirty; /* connections */
	struct loop_task awake;
};

struct host *host_new(struct loop *loop);
void host_free(struct host *h);

/* Look at the connection in this turn, or in one that begins at once. */
void host_visit(struct host *h, struct list *conn);

/* Not any more: it is freed.  A loop that ends has nothing left to do. */
void host_leave(struct host *h, struct list *conn);
