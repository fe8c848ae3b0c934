#pragma once
/*
 * conn: one caller's connection: reads requests, plays calls, sends what
 * they make, ends as they say.  Belongs to the server, which tells it what
 * its socket and its timer did; it frees itself by joining server->dead.
 */
#include "tests/sim/call.h"
#include "tests/sim/request.h"
#include "tests/sim/server.h"

enum conn_state {
	CONN_IDLE,     /* no request yet, or part of one */
	CONN_PLAYING,  /* pump the call while there is room */
	CONN_WAITING,  /* for its timer */
	CONN_SILENT,   /* for ever */
	CONN_DRAINING, /* the answer is made and on its way */
	CONN_LEAVING   /* the timer's end is a reset */
};

struct conn {
	struct timer timer; /* first: the server finds the conn by it */
	struct server *server;
	struct conn *prev, *next;
	int fd; /* -1 when dead */
	enum conn_state state;
	struct text in, out;
	size_t sent; /* of out */
	struct request request;
	bool continued; /* 100 Continue was sent */
	bool want_write;
	bool keep; /* serve another request after this one */
	struct call call;
	uint64_t n; /* the call's number; 0 for none */
	uint64_t served;
	int64_t due_us;
	enum call_next ending;
};

void conn_accept(struct server *s, int fd);

/* What epoll said. */
void conn_on_event(struct conn *c, uint32_t events);

void conn_on_timer(struct conn *c);

/* Close and put among the dead. */
void conn_close(struct conn *c);

/* Free one of the dead. */
void conn_free(struct conn *c);
