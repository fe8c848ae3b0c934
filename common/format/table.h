#pragma once
/*
 * table: rows of typed columns, as aligned text or Markdown for people or as a
 * JSON array of objects for programs.  Opened, filled cell by cell, closed.
 * Text shows units ("12.3 ms", "$0.001234") and "-" for nothing; JSON has plain
 * numbers under the column's name, times as RFC 3339.  Control bytes and what
 * is not UTF-8 never reach a terminal.  Pure; the sticky failure is that of
 * `out`.
 */
#include "common/base/buf.h"
#include "common/format/json.h"

enum output_format { OUTPUT_TEXT, OUTPUT_JSON, OUTPUT_MARKDOWN };

enum cell_type {
	CELL_TEXT,
	CELL_INT,
	CELL_BOOL,
	CELL_TIME, /* microseconds UTC; 0: none */
	CELL_US,   /* a duration; 0: none */
	CELL_BYTES,
	CELL_MICROUSD
};

#define TABLE_COLUMNS_MAX 32

struct table_column {
	const char *name; /* heading, and key in JSON */
	enum cell_type type;
};

struct table {
	struct buf *out;
	enum output_format format;
	const struct table_column *columns; /* not copied */
	size_t count, next;                 /* columns; the next cell's */
	struct json_writer json;
	struct buf cells; /* text: a length (2 bytes) and bytes each */
	size_t widths[TABLE_COLUMNS_MAX]; /* text: so far */
	bool headed;                      /* text: its heading is in `out` */
};

void table_open(struct table *t, struct buf *out, enum output_format format,
    const struct table_column *columns, size_t count);

/* The next cell: text for CELL_TEXT, a number for all others. */
void table_text(struct table *t, struct slice text);
void table_int(struct table *t, int64_t number);

/*
 * Only whole rows were put: they are in `out` now, which the caller may empty.
 * Text keeps the widths of what came before, so that a long table stays one.
 */
void table_flush(struct table *t);

/* Likewise, and it is the end. */
void table_close(struct table *t);

/* One number or text as people read it. */
void cell_write(struct buf *out, enum cell_type type, int64_t number);
void cell_write_text(struct buf *out, struct slice text);
