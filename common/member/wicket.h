#pragma once
/*
 * wicket: the operator listener: its TCP socket, and the certificate that it
 * shows.  The clerk's.
 *
 * A new certificate is a new server on the same socket; the old one takes
 * nobody any more and goes when all its connections have.
 */
#include "common/base/slice.h"

struct buf;
struct loop;
struct process;
struct topology;
struct wicket;

/* May a process with this topology be asked?  Else why not. */
must_check bool wicket_fits(const struct topology *t, struct buf *why);

/* Listens as the present topology says; NULL and why. */
struct wicket *wicket_new(struct process *p, struct loop *loop,
    struct buf *why);
void wicket_free(struct wicket *w); /* NULL is fine */

unsigned wicket_port(const struct wicket *w);

/* The topology's address of it. */
struct slice wicket_listen(const struct topology *t);

/* After a reload: show what the files are now. */
void wicket_adopt(struct wicket *w);

/* Let go of servers that nobody is connected to any more. */
void wicket_sweep(struct wicket *w);
