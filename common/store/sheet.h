#pragma once
/*
 * sheet: rows with all their columns as comma-separated values (RFC 4180): a
 * line of names, then a line a row; plain numbers, times as RFC 3339, yes and
 * no as true and false.  A text that a spreadsheet would take for a formula
 * gets an apostrophe before it.  Pure; the sticky failure is that of `out`.
 */
#include "common/store/row.h"

void sheet_head(enum row_kind kind, struct buf *out);
void sheet_row(enum row_kind kind, const void *row, struct buf *out);
