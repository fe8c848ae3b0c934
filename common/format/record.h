#pragma once
/*
 * record: a table of text cells as others write it, line by line: RFC 4180,
 * lines that end in LF or CRLF, cells apart by a comma, a semicolon or a tab,
 * whichever the first line has.  Quoted cells are made plain where they
 * stand, so the bytes are the reader's.  Bounded: RECORD_CELLS_MAX cells in a
 * line.  Pure.
 */
#include "common/base/slice.h"

#define RECORD_CELLS_MAX 64

struct record_reader {
	char *bytes;
	size_t len, at;
	size_t line; /* of the record read last, from 1 */
	char separator;
};

struct record {
	size_t count;
	struct slice cells[RECORD_CELLS_MAX];
};

enum record_read {
	RECORD_READ,
	RECORD_END,  /* there are no more */
	RECORD_LONG, /* more cells than are taken */
	RECORD_QUOTE /* a quote that does not end, or text behind one */
};

/* The bytes change as they are read, and have to outlive the cells. */
void record_start(struct record_reader *r, char *bytes, size_t len);

/* The next line that is not empty. */
enum record_read record_next(struct record_reader *r, struct record *record);
