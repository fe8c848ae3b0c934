#pragma once
/*
 * wire: the descriptors that a client library asks us to watch, for
 * upstream.c.  Libraries stop watching a kept connection between two requests
 * and start again a moment later, two system calls each time; a wire stays
 * armed until it really is readable while nobody wants it.
 * Owned by one loop.
 */
#include "common/base/lang.h"

struct loop;
struct wires;

/* `ready` is called with LOOP_READ and LOOP_WRITE bits that are wanted. */
struct wires *wires_new(struct loop *loop,
    void (*ready)(void *arg, int fd, int what), void *arg);

/* What wires_open made has been closed, or was never connected. */
void wires_free(struct wires *w);

/* A non-blocking socket with a small receive buffer, or -1 and errno. */
int wires_open(struct wires *w, int domain, int type, int protocol);

/* Closes what wires_open made. */
void wires_close(struct wires *w, int fd);

/* Want these events of a descriptor from now on; 0: none. */
void wires_want(struct wires *w, int fd, int what);
