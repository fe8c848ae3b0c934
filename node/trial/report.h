#pragma once
/*
 * report: what became of a docket's trials, for people, for programs, and as
 * what the node is told to keep as evidence.  Pure.
 */
#include "common/base/lang.h"

struct buf;
struct docket;

#define REPORT_RESULTS_MAX 512 /* of one POST /admin/evidence */

void report_print(const struct docket *d, struct buf *out);
void report_json(const struct docket *d, struct buf *out);

/*
 * The body of POST /admin/evidence for the entries from `from` on; gives
 * where the next body begins.
 */
size_t report_evidence(const struct docket *d, size_t from, struct buf *out);
