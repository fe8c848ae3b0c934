#pragma once
/*
 * proof: receipts of an export checked with public keys alone: each line is
 * what was signed, each signature is the egress's, each chain continues.
 * Signatures are on roots of up to SEAL_MAX receipts, and roots that were
 * found good are remembered (a few MB).  The lines may be shared among
 * threads, since of what came before only its end matters.
 */
#include "common/export/tape.h"
#include "common/store/receipt.h"

struct marks;

/* Who signs, as for receipt_audit; called by any thread. */
struct proof_keys {
	const struct public_key *(
	    *of)(void *arg, struct slice egress, size_t which);
	void *arg;
};

struct proof_wish {
	struct proof_keys keys;
	/*
	 * The export has a part of the chains: numbers may be absent, and
	 * are only counted.
	 */
	bool window;
	/* Receipts that have to be there; NULL: none.  Not of a window. */
	struct marks *marks;
	/* Each fault, one line; NULL: none. By one thread at a time. */
	void (*finding)(void *arg, const char *line);
	/* Each readable receipt with its line's place; only with one thread. */
	void (*each)(void *arg, const struct receipt *r, size_t at, bool good);
	void *arg;
};

/* Counts as of receipt_audit; `unmatched` stays 0. */
void proof_check(const struct tape *s, const struct proof_wish *wish,
    unsigned threads, struct receipt_audit *out);
