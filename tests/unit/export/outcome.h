#pragma once
/*
 * outcome: what comes of a pair's exports held against each other.
 */
#include "common/export/reconcile.h"
#include "tests/unit/export/pair.h"

/* What came of one comparison. */
struct outcome {
	struct reconciliation r;
	bool clean;
	size_t faults; /* of the manifests */
	char last[256];
};

static inline void
outcome_difference(void *arg, const struct id *request, int64_t attempt,
    const struct difference *d)
{
	struct outcome *o = arg;

	(void)request;
	(void)attempt; /* a flipped byte may have been its number */
	snprintf(o->last, sizeof(o->last), "%s %s/%s %s", d->what, d->node,
	    d->egress, cause_name(d->cause));
}

static inline struct outcome
compare(struct pair *p)
{
	struct outcome o = { .clean = false };
	struct bundle node, egress;
	struct buf why;
	const struct reconcile_wish w = {
		.node = &node,
		.egress = &egress,
		.keys = { pair_key_of, p },
		.difference = outcome_difference,
		.arg = &o,
	};

	buf_init(&why, 4096);
	assert_true(bundle_open(&node, p->node_out, &why));
	assert_true(bundle_open(&egress, p->egress_out, &why));
	o.faults = bundle_check(&node, &p->node_public, 1, NULL, NULL) +
		   bundle_check(&egress, &p->egress_public, 1, NULL, NULL);
	assert_true(reconcile(&w, &o.r));
	o.clean = reconciliation_is_clean(&o.r);
	assert_int_equal(o.r.attempts,
	    o.r.matched + o.r.explained + o.r.unexplained);
	reconciliation_fini(&o.r);
	bundle_close(&node);
	bundle_close(&egress);
	buf_fini(&why);
	return o;
}
