#pragma once
/*
 * reconcile: two exports, a node's and its egress's, held against each other
 * by origin, request and attempt, with the signed receipts of both.  Both are
 * read in their order, once, so memory is bounded.
 */
#include "common/export/side.h"

/* What one side has of a team in a month. */
struct account_sums {
	int64_t attempts, tokens, microusd;
};

#define SUM_TEAM_BYTES 64

struct month_sums {
	char team[SUM_TEAM_BYTES], month[8]; /* "2026-11" */
	struct account_sums node, egress;
};

#define SUM_MONTHS_MAX 1024

struct reconciliation {
	int64_t attempts, matched, explained, unexplained;
	int64_t causes[CAUSES]; /* differences of each */
	size_t faults;          /* of the files themselves */
	struct receipt_audit node, egress;
	struct month_sums *months; /* in order of month and team */
	size_t months_count;
	bool months_full; /* there were more: what came then is not in them */
};

struct reconcile_wish {
	const struct bundle *node, *egress;
	struct proof_keys keys;
	/* Each fault of a file, and each difference of an attempt. */
	void (*finding)(void *arg, const char *line);
	void (*difference)(void *arg, const struct id *request, int64_t attempt,
	    const struct difference *d);
	void *arg;
};

/* False when it could not be done to its end: said in a finding. */
must_check bool reconcile(const struct reconcile_wish *w,
    struct reconciliation *out);
void reconciliation_fini(struct reconciliation *r);

/* All is matched or explained, and no file is faulty. */
bool reconciliation_is_clean(const struct reconciliation *r);
