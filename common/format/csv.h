#pragma once
/*
 * csv: cells of a comma-separated table as RFC 4180 has them.  Spreadsheets
 * run what begins like a formula: an apostrophe before it makes it text
 * (OWASP's rule).  Pure.
 */
#include "common/base/buf.h"

#define CSV_LINE_END "\r\n"

/* A text cell, quoted where it has to be. */
void csv_text(struct buf *out, struct slice text);
