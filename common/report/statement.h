#pragma once
/*
 * statement: a report as people and programs read it: an aligned table or
 * Markdown with the columns that matter and a total; JSON and CSV with all of
 * them.  Pure; the sticky failure is that of `out`.
 */
#include "common/report/report.h"

struct buf;

enum statement_format {
	STATEMENT_TEXT,
	STATEMENT_MARKDOWN,
	STATEMENT_JSON,
	STATEMENT_CSV,
	STATEMENT_FORMATS
};

/* STATEMENT_FORMATS when there is none of that name. */
enum statement_format statement_format(struct slice name);

/* For Content-Type. */
const char *statement_media_type(enum statement_format format);

void statement_write(const struct report *r, enum statement_format format,
    struct buf *out);

/* What reports group by and what they count, as Markdown tables. */
void statement_docs(struct buf *out);
