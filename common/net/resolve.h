#pragma once
/*
 * resolve: a host name into addresses without stopping the loop: numbers at
 * once, names by a thread of their own.
 */
#include <sys/socket.h>

#include "common/base/lang.h"

#define ADDRESSES_MAX 8

struct loop;
struct resolve;

struct address {
	struct sockaddr_storage where;
	socklen_t len;
};

/* None: it could not be resolved. */
typedef void resolve_done(void *arg, const struct address *found, size_t count);

/*
 * Look "host:port" up ("[v6]:port" too).  `done` comes once, later, on the
 * loop; then the resolve is gone.
 */
struct resolve *resolve_start(struct loop *loop, const char *where,
    resolve_done *done, void *arg);

/* Before `done`: it will not come.  NULL is fine. */
void resolve_cancel(struct resolve *r);
