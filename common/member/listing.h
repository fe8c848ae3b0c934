#pragma once
/*
 * listing: requests, attempts or events one after the other, as a table for
 * people, or with all their columns as a JSON array, JSON lines or CSV.  As
 * long as one likes: whoever writes it empties `out` after each flush.  Pure;
 * the sticky failure is that of `out`.
 */
#include "common/format/table.h"
#include "common/store/search.h"

enum listing_format { LISTING_TEXT, LISTING_JSON, LISTING_JSONL, LISTING_CSV };

/* "text", "json", "jsonl" or "csv"; false for anything else. */
must_check bool listing_format_read(struct slice name,
    enum listing_format *format);
#define LISTING_WANTED "a format is text, json, jsonl or csv"

struct listing {
	enum row_kind kind;
	enum listing_format format;
	struct buf *out;
	struct json_writer json;
	bool begun; /* text: the columns are settled */
	struct table table;
	struct table_column columns[TABLE_COLUMNS_MAX];
	unsigned shown;  /* of events; see journal.h */
	struct buf held; /* events that wait for the columns, packed */
};

void listing_open(struct listing *l, enum row_kind kind,
    enum listing_format format, struct buf *out);

void listing_put(struct listing *l, const void *row);

/* What was put is in `out` now, and more will come. */
void listing_flush(struct listing *l);

/* Likewise, and it is the end. */
void listing_close(struct listing *l);

/* It will not be ended: something broke. */
void listing_drop(struct listing *l);
