#pragma once
/*
 * monthend: closing a month: is everything of it there and right, and if so
 * what it came to, signed and kept for good (closure.h).  What is not is told
 * with the command that mends it.  Whoever runs it waits for it; one at a
 * time for a store.
 */
#include <stdatomic.h>

#include "common/base/crypto.h"
#include "common/llm/envelope.h"
#include "common/store/ledger.h"

/* So long after its end a request may come whose node's clock is late. */
#define MONTHEND_SKEW_US ENVELOPE_SKEW_US

struct monthend_wish {
	struct ledger *ledger;
	const char *program; /* "gsr-node", for the commands that are told */
	struct slice mesh, member, topology; /* the topology's hash */
	int64_t mesh_version, node_version;
	bool egress;
	int64_t month; /* PERIOD_MONTH */
	int64_t now_us;
	struct slice by; /* who closes it */
	bool unvouched;  /* also when receipts are missing: they are counted */
	const struct secret *key;
	/* Who signs receipts, as for receipt_audit. */
	const struct public_key *(
	    *key_of)(void *arg, struct slice egress, size_t which);
	void *arg;
	const atomic_bool *stop; /* give up; may be NULL */
};

enum monthend {
	MONTHEND_CLOSED, /* now */
	MONTHEND_BEFORE, /* it was: `out` has the same bytes as then */
	MONTHEND_OPEN,   /* something is missing: said in `out`, a line each */
	MONTHEND_FAILED  /* the store: said in `out` */
};

enum monthend monthend_close(const struct monthend_wish *w, struct buf *out);

/* "2026-10"; false and one line in `why`. */
must_check bool monthend_month(struct slice text, int64_t *month,
    struct buf *why);
