#pragma once
/*
 * sheet: a file of an export, mapped, so that it costs no memory of ours:
 * whole lines from one place to another, in order, or the one at an offset.
 * A sheet is read by any thread; each reader has its own place.
 */
#include "common/base/slice.h"

struct sheet {
	const char *bytes; /* NULL when it is empty */
	size_t len;
};

/* False: errno says why. */
must_check bool sheet_open(struct sheet *s, const char *path);
void sheet_close(struct sheet *s);

/* A reader's place and where it ends; both at line beginnings. */
struct sheet_place {
	size_t at, end;
};
struct sheet_place sheet_all(const struct sheet *s);

/*
 * The next line without its end, and where it began; false behind the last.
 * What is left behind the last line end counts as a line; `whole` tells.
 */
struct sheet_line {
	struct slice text;
	size_t at;
	bool whole;
};
must_check bool sheet_next(const struct sheet *s, struct sheet_place *p,
    struct sheet_line *line);

/* The beginning of the first line at or behind `at`. */
size_t sheet_line_from(const struct sheet *s, size_t at);
