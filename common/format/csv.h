#pragma once
/*
 * csv: cells of a comma-separated table as RFC 4180 has them, but that lines
 * end in LF.  A text that a spreadsheet would take for a formula (it begins
 * with = + - or @) gets an apostrophe before it, which is the one way all of
 * them read as text; control bytes become spaces.  Whoever needs the exact
 * bytes takes JSONL.  Pure.
 */
#include "common/base/buf.h"

#define CSV_LINE_END "\n"

/* A text cell, quoted where it has to be. */
void csv_text(struct buf *out, struct slice text);
