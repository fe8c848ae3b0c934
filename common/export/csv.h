#pragma once
/*
 * csv: a row as one line that spreadsheets take (RFC 4180, lines end in LF).
 * Empty: nothing.  A text that a spreadsheet would take for a formula (it
 * begins with = + - or @) gets an apostrophe before it, which is the one way
 * all of them read as text; control bytes become spaces.  Whoever needs the
 * exact bytes takes JSONL.  Pure.
 */
#include "common/store/row.h"

/* The columns' names. */
void csv_header(enum row_kind kind, struct buf *out);

void csv_row(enum row_kind kind, const void *row, struct buf *out);
