#pragma once
/*
 * extract: a node asks for what this egress has of its calls (LEDGER_ASK,
 * common/export/extract.h), and is told page by page, of its own rows alone:
 * whose they are the link's identity says, not what it asks.  A page is read
 * by the errands' thread, below everything else; one at a time for a node.
 */
#include <stdint.h>

#include "common/base/slice.h"

struct dock;
struct extracts;
struct link;

/* A link's part; zeroed at first. */
struct extract_pass {
	uint64_t ticket; /* of the page that is being read; 0: none */
	int64_t told_us; /* when the log had it last */
};

struct extracts *extracts_new(void);
/* Nobody reads any more.  NULL is fine. */
void extracts_free(struct extracts *x);

/* LEDGER_ASK came; it will be answered. */
void extracts_hear(struct dock *d, struct link *l, struct extract_pass *pass,
    struct slice message);

/* Send the pages of this dock's links that are read. */
void extracts_tell(struct dock *d);
