#pragma once
/*
 * clerk: the main thread's loop: operator listeners, signals, the group fsync
 * and the orderly end.  Nothing it does can stall a stream.
 */
#include "common/base/lang.h"

struct buf;
struct caretaker;
struct loop;
struct process;
struct clerk;

/*
 * From now on signals wait for the clerk.  Before any thread is made: also
 * the store's threads inherit the mask, or the kernel gives them a signal.
 */
must_check bool clerk_claim_signals(void);

/* Listeners and signal handling; NULL and *why on failure. */
struct clerk *clerk_new(struct process *p, struct buf *why);

/* Until SIGTERM or SIGINT and the drain after it. */
void clerk_run(struct clerk *c);

/* The topology is another one now.  On its thread. */
void clerk_adopt(struct clerk *c);

void clerk_free(struct clerk *c);

/* The port of the operator listener. */
unsigned clerk_port(const struct clerk *c);

struct caretaker *clerk_caretaker(const struct clerk *c);

/* For loop_post; gone when the workers are. */
struct loop *clerk_loop(const struct clerk *c);
