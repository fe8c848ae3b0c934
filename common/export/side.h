#pragma once
/*
 * side: one of the two exports that are held against each other, as far as it
 * is about the other one's member: attempts in order of their keys with the
 * receipts of each, in bounded memory.  Receipts are proved on the way.
 */
#include "common/export/bundle.h"
#include "common/export/cause.h"
#include "common/export/proof.h"
#include "common/export/sorter.h"

struct side;

struct side_wish {
	const struct bundle *bundle;
	struct slice node, egress;  /* whose attempts are compared */
	bool is_egress;             /* whose export this is */
	int64_t from, to;           /* wall, microseconds, of the request */
	const struct bundle *other; /* whose checkpoints count too */
	struct proof_keys keys;
	/* Each fault of the export, one line. */
	void (*finding)(void *arg, const char *line);
	void *arg;
};

/* The wish stays the caller's, and stays. */
struct side *side_new(const struct side_wish *w);
void side_free(struct side *s);

/*
 * Prove the receipts and put them in order; before side_begin, in any thread,
 * so that both sides can do it at once.
 */
void side_prove(struct side *s);

/* What came of it, and how many lines were faulty up to now. */
const struct receipt_audit *side_audit(const struct side *s);
size_t side_faults(const struct side *s);

/* False when temporary files could not be had: said in a finding. */
must_check bool side_begin(struct side *s);

/* Where it stands: the least attempt that is still to come; false: none. */
must_check bool side_peek(struct side *s, uint8_t attempt[ATTEMPT_ID_BYTES]);

/* The end came too early: temporary files could not be read. */
must_check bool side_failed(const struct side *s);

/*
 * All that it has of that attempt; then it stands behind it.  Good until the
 * next call.
 */
void side_take(struct side *s, const uint8_t attempt[ATTEMPT_ID_BYTES],
    struct case_side *out);
