#pragma once
/*
 * comparison: a report of two sides, requests that went a fixed way and those
 * that were routed: what of each succeeded, what it cost and took, why it
 * failed, which targets served it, and what the second has more.  The requests
 * of the sides are not paired.  How it is told: contrast.h.  Pure.
 */
#include "common/report/report.h"

enum unit {
	UNIT_COUNT,
	UNIT_SHARE, /* of 1 */
	UNIT_TOKENS,
	UNIT_MICROUSD,
	UNIT_US,
	UNITS
};

const char *unit_name(enum unit unit);

/* A share or a mean of nothing is no number. */
struct value {
	bool there;
	double number;
};

/* `percent`: the difference by the fixed one; a share has none. */
struct line {
	const char *name;  /* for programs */
	const char *label; /* for people */
	enum unit unit;
	struct value of[SIDES], difference, percent;
};

/* Requests of one name, an error's or a target's, on both sides. */
struct part {
	struct slice name; /* the report's */
	int64_t of[SIDES];
};

/* The commonest first. */
struct parts {
	const char *title; /* "error" */
	struct part *at;
	size_t count;
};

struct comparison {
	const struct report *report;
	struct total sides[SIDES];
	int64_t both; /* requests that are on both */
	struct parts errors, targets;
};

/* What the query has to group by, so that it can be compared. */
must_check bool comparison_by(struct report_query *q, struct buf *why);

/* Of a report whose query is `compared`, and which has to stay. */
void comparison_init(struct comparison *c, const struct report *r);
void comparison_fini(struct comparison *c);

const char *side_name(enum side side);
int64_t comparison_requests(const struct comparison *c, enum side side);

/* The lines of its figures, one at a time from 0; false: no more. */
must_check bool comparison_line(const struct comparison *c, size_t index,
    struct line *l);

/* Likewise the line of a part, and its share of a side's requests. */
struct line comparison_part(const struct part *p);
struct value comparison_share(const struct comparison *c, const struct part *p,
    enum side side);

/* What its figures mean, as a Markdown table. */
void comparison_docs(struct buf *out);
