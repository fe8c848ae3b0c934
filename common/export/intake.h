#pragma once
/*
 * intake: an egress's ledger of one node's calls on its way into a folder of
 * the form of an export, page by page (extract.h), with a manifest that
 * nobody signed: whom it is of the link has proved.  Kinds come in the order
 * of an export, each from its first key on, so that it goes on behind the
 * last one whatever happened in between.
 */
#include "common/export/extract.h"
#include "common/export/manifest.h"

struct intake;

struct intake_wish {
	const char *dir; /* made when it is not there; stays the caller's */
	const char *member, *mesh;
	int64_t from, to; /* by the time the request came; 0: open */
};

/* NULL and one line in `why`. */
struct intake *intake_new(const struct intake_wish *w, struct buf *why);
void intake_free(struct intake *i); /* NULL is fine */

/* What comes next; false: it has all. `after` is good until the next page. */
must_check bool intake_ask(const struct intake *i, struct extract_ask *a);

/* Write a page's entries behind the others.  False and one line in `why`: it
 * is no page, not the next one, or it cannot be written. */
must_check bool intake_take(struct intake *i, struct slice page,
    struct buf *why);

/* How many rows it has, and how many entries were left out as unreadable. */
int64_t intake_rows(const struct intake *i);
int64_t intake_damaged(const struct intake *i);

/* All is there: write the manifest.  False and one line in `why`. */
must_check bool intake_finish(struct intake *i, struct buf *why);
