#pragma once
/*
 * server: one listening socket, one thread, one epoll.  Owns what all
 * connections share: the clock of this turn, timers, the plan, the record,
 * the queue of answers.
 * Connections that died in a turn rest in it until the turn is over.
 */
#include "tests/sim/plan.h"
#include "tests/sim/record.h"
#include "tests/sim/replay.h"
#include "tests/sim/timer.h"

struct conn;

struct server {
	int epoll_fd, listen_fd, signal_fd;
	uint16_t port;
	int64_t now_us;
	struct timers timers;
	struct plan plan;
	struct record record;
	struct replay replay;
	uint64_t connections, open_connections, open_calls;
	struct conn *all, *dead;
};

/* Listen on 127.0.0.1; port 0 is any.  False, with errno, when it cannot. */
bool server_open(struct server *s, uint16_t port);

/* Serve until SIGTERM or SIGINT. */
void server_run(struct server *s);

void server_close(struct server *s);
