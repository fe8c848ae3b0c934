#pragma once
/*
 * contrast: a comparison as people and programs read it: tables of its figures,
 * errors and targets; JSON and CSV with the same.  Pure; the sticky failure is
 * that of `out`.
 */
#include "common/report/statement.h"

/* Of a report whose query is `compared`. */
void contrast_write(const struct report *r, enum statement_format format,
    struct buf *out);
