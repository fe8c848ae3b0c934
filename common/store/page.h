#pragma once
/*
 * page: some rows of a search on their way from a daemon to a command, in
 * their stored form: who asked makes a table, JSON or CSV of them, so that the
 * daemon has no work with it.  msgpack: true and a row, as often as there are
 * rows; then false, and the cursor to go on below, empty at the end.  Pure.
 */
#include "common/format/pack.h"
#include "common/store/cursor.h"

/* What one holds at most, rows and bytes: it may be less than was asked for. */
#define PAGE_ROWS_MAX  2000
#define PAGE_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* The next ones of the search; how to go on is a cursor under `seal`. */
void page_write(struct search *s, const struct secret *seal, struct buf *out);

struct page {
	struct unpack in;
	enum row_kind kind;
	struct slice
	    rest;   /* "before" of the next page; empty: it is the last */
	bool whole; /* it was read to its end */
	union search_row row;
};

/* `bytes` have to stay for as long as the page is read. */
void page_open(struct page *p, enum row_kind kind, struct slice bytes);

/* NULL: no more, or what came is no page: then p->whole is false. */
const union search_row *page_next(struct page *p);
