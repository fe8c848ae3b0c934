#pragma once
/*
 * cause: what both sides have of one attempt, held against each other, and
 * why they differ, by the rules of cause.def.  Pure.
 */
#include "common/store/receipt.h"

enum cause {
#define CAUSE(NAME, name, explained, rule) CAUSE_##NAME,
#include "common/export/cause.def"
#undef CAUSE
	CAUSES
};

const char *cause_name(enum cause c);
bool cause_explains(enum cause c);
const char *cause_rule(enum cause c);

/* The rules as a Markdown table, for docs/LEDGER.md. */
void cause_docs(struct buf *out);

#define CASE_RECEIPTS_MAX 4

/* A receipt of the attempt; `held`: at the egress, no ACK of it has come. */
struct case_receipt {
	struct receipt receipt;
	bool held;
};

/* One side's. */
struct case_side {
	const struct attempt_row *row; /* NULL: none */
	struct case_receipt receipts[CASE_RECEIPTS_MAX];
	size_t count;
	bool open;     /* its export lists it as under way */
	int64_t as_of; /* when its export began: wall, microseconds */
};

struct case_pair {
	struct case_side node, egress;
};

#define DIFFERENCE_TEXT 72

struct difference {
	const char *what; /* "row", "receipt", or a column */
	char node[DIFFERENCE_TEXT], egress[DIFFERENCE_TEXT];
	enum cause cause;
};

/* `found` for each difference; gives how many. */
size_t case_judge(const struct case_pair *c,
    void (*found)(void *arg, const struct difference *d), void *arg);
