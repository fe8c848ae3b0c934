#pragma once
/*
 * choice: what a policy said, a script or a service, as an order of targets.
 *
 *     ["a/x", "b/y"]   or   {"order": ["a/x", "b/y"], "note": "cheapest first"}
 *
 * The order is not empty, each of it names one of the targets that may be
 * tried, none twice; those left out are not tried.  Anything else is refused
 * whole, with a reason.  Pure; any thread.
 */
#include "topology/group.h"

struct buf;

#define CHOICE_BYTES_MAX  ((size_t)64 << 10)
#define CHOICE_NOTE_CHARS 64 /* letters, digits, space and _ . : , - */

struct choice {
	size_t order[TARGETS_MAX]; /* indexes of `names` */
	size_t count;
	char note[CHOICE_NOTE_CHARS + 1]; /* "" when it gave none */
};

/* The targets a policy was asked about; at most TARGETS_MAX. */
struct choice_names {
	const struct slice *names;
	size_t count;
};

/* False and one line of UTF-8 in `why` when it is not an answer. */
must_check bool choice_parse(struct choice *c, struct slice answer,
    const struct choice_names *among, struct buf *why);
