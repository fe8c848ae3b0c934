#pragma once
/*
 * door: where a desk's callers come in: an HTTP server, plain or with the
 * certificate that the topology names.  A new certificate means a new server
 * on the same socket; the old one serves whom it has until they are gone.
 * Belongs to the desk's thread.
 */
#include "common/base/crypto.h"
#include "common/base/list.h"

struct buf;
struct desk;
struct http_server;
struct topology;

struct door {
	struct desk *desk;
	int listen_fd; /* the server's, which closes it */
	struct http_server *http;
	struct hash certificate; /* zero: plain */
	struct list retired;     /* servers of earlier certificates */
};

/* Can the files that `t` names be served?  Any thread; reasons in `why`. */
must_check bool door_fits(const struct topology *t, struct buf *why);

/* Serve on the worker's socket.  Does not return when that cannot be. */
void door_open(struct door *d, struct desk *desk);

/* The topology was swapped, or the files are others now. */
void door_adopt(struct door *d);

/* Free retired servers that nobody is connected to; are there more? */
bool door_sweep(struct door *d);

/* Let nobody in; who is in stays. */
void door_drain(struct door *d);

/* Is there no exchange under way? */
bool door_idle(const struct door *d);

/* Throw out who is left. */
void door_close(struct door *d);
