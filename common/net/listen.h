#pragma once
/*
 * listen: sockets that wait for connections.  All are non-blocking and closed
 * on exec; failures give a reason (a constant) and leave nothing behind.
 */
#include "common/base/slice.h"

/*
 * A listening TCP socket (SO_REUSEPORT when `shared`) for "host:port", or -1
 * and a reason in *why (a constant).  Port 0 picks one: see listen_port.
 */
int listen_tcp(struct slice address, bool shared, const char **why);

/* A listening unix socket of mode 0600; replaces a dead one at the path. */
int listen_unix(const char *path, const char **why);

/* The user id of a unix socket's peer; false for any other socket. */
must_check bool listen_peer(int fd, unsigned *uid);

/* The address of a TCP socket's peer, without the port; else empty. */
#define LISTEN_ADDRESS_CHARS 48
void listen_address(int fd, char text[LISTEN_ADDRESS_CHARS]);

/* The port a TCP socket is bound to, or 0. */
unsigned listen_port(int fd);
