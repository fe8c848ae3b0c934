#pragma once
/*
 * easy: libcurl, tamed, for upstream.c; the only file that sees it.  A set of
 * easies is one multi handle on a loop; an easy is one call, sent once, whose
 * handle, letter and connection are kept or let go of here.
 *
 * The library may not be called from inside its own callbacks, so from inside
 * an event only easy_new, easy_header and easy_stop are allowed.
 */
#include "common/net/upstream.h"

struct easies;
struct easy;
struct timeouts;

struct easy_events {
	/* Connected and about to send; again for each piece of the body. */
	void (*on_sending)(void *arg);
	void (*on_head)(void *arg, int status);
	/* False: give them again after easy_resume. */
	bool (*on_data)(void *arg, struct slice bytes);
	/* The easy goes back to the pool after it. */
	void (*on_end)(void *arg, enum transfer_end end);
};

struct easies *easies_new(struct loop *loop, struct timeouts *timeouts,
    const struct easy_events *events);

/* No easy is in use. */
void easies_free(struct easies *es);

/* Do what the library wants done at once, and tell what ended. */
void easies_turn(struct easies *es);

/* NULL: a field is not sound (see letter.h). */
struct easy *easy_new(struct easies *es, const struct transfer_request *r,
    void *arg);

void easy_start(struct easy *e);

void easy_resume(struct easy *e);

/* No event follows; the connection is closed.  Also before easy_start. */
void easy_stop(struct easy *e);

/* Was it stopped?  Good within the event in which it was. */
bool easy_stopped(const struct easy *e);

struct slice easy_header(struct easy *e, const char *name);

const char *easy_why(const struct easy *e);
