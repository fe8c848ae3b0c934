#pragma once
/*
 * conn: a socket, the TLS on it and the session in that: it pumps bytes and
 * knows no frame.  Its owner is a link.  When it is over, for whatever cause,
 * on_over comes once, at the end of the turn, and it is still there then.
 */
#include "common/net/host.h"
#include "common/net/session.h"
#include "common/net/tls.h"

struct conn_events {
	/* The TLS handshake is done: the owner sets `session`. */
	void (*on_secure)(void *arg);
	void (*on_over)(void *arg, const char *why);
};

struct conn {
	struct host *host;
	struct list dirty; /* in the host's */
	int fd;
	struct tls *tls;
	struct loop_watch *watch;
	struct session *session; /* NULL before the handshake is done */
	struct loop_task more;   /* reads on where the last turn stopped */
	struct conn_events events;
	void *arg;
	const char *why; /* NULL while it lives */
	bool connecting; /* TCP */
	bool blocked;    /* the socket took less than there is */
	bool busy;       /* one of its functions is on the stack */
	bool forsaken;   /* to be freed */
};

struct conn_config {
	struct host *host;
	const struct tls_boot *boot;
	struct tls_check check;
	struct conn_events events;
	void *arg;
};

/* Takes the descriptor, which is connected or (dialling) about to be. */
struct conn *conn_new(const struct conn_config *config, int fd, bool accept);

/* No event follows; freed at once, or when its caller is done with it. */
void conn_free(struct conn *c);

/* Close it; `why` is a constant. */
void conn_end(struct conn *c, const char *why);

/*
 * Around whatever calls the application: until conn_leave the conn stays, if
 * freed meanwhile.
 */
void conn_enter(struct conn *c);
void conn_leave(struct conn *c);

/* Something was queued in its session. */
void conn_wake(struct conn *c);

/* The host's two looks in a turn. */
void conn_flush(struct conn *c);
void conn_rest(struct conn *c);
