#pragma once
/*
 * tape: a file of an export, mapped, so that it costs no memory of ours:
 * whole lines from one place to another, in order, or the one at an offset.
 * A tape is read by any thread; each reader has its own place.
 */
#include "common/base/slice.h"

struct tape {
	const char *bytes; /* NULL when it is empty */
	size_t len;
};

/* False: errno says why. */
must_check bool tape_open(struct tape *t, const char *path);
void tape_close(struct tape *t);

/* A reader's place and where it ends; both at line beginnings. */
struct tape_place {
	size_t at, end;
};
struct tape_place tape_all(const struct tape *t);

/*
 * The next line without its end, and where it began; false behind the last.
 * What is left behind the last line end counts as a line; `whole` tells.
 */
struct tape_line {
	struct slice text;
	size_t at;
	bool whole;
};
must_check bool tape_next(const struct tape *t, struct tape_place *p,
    struct tape_line *line);

/* The beginning of the first line at or behind `at`. */
size_t tape_line_from(const struct tape *t, size_t at);
