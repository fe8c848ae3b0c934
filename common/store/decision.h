#pragma once
/*
 * decision: how the targets of one request were put in order, as it is kept
 * and read again: its row and a row for each candidate, one entry under the
 * request's id.  Reads work on a store opened read-only.
 */
#include "common/store/ledger.h"

#define DECISION_CANDIDATES_MAX 32

struct decision {
	struct decision_row row; /* text points into the bytes */
	struct candidate_row candidates[DECISION_CANDIDATES_MAX];
	size_t count;
};

/*
 * Put it under row->request: with the first intent (LEDGER_INTENTS), so that
 * a request that is killed is explained too, or with what settles one that
 * has none (left out when ledger_full, as that row is).  The texts have their
 * own bounds: all of it fits ROW_BYTES_MAX.
 */
void decision_put(struct ledger_turn *t, enum ledger_batch b,
    const struct decision_row *row, const struct candidate_row *candidates,
    size_t count);

/* The stored form: an array of the rows. */
void decision_write(struct buf *out, const struct decision_row *row,
    const struct candidate_row *candidates, size_t count);
must_check bool decision_read(struct decision *d, struct slice bytes);

/* False when there is none; text lies in `bytes`, which the caller owns. */
must_check bool decision_get(struct ledger *l, const struct id *request,
    struct buf *bytes, struct decision *d);

/* An object: the row's columns and "candidates". */
void decision_json(const struct decision *d, struct json_writer *w);

/* Which ones, by the time at which their requests came. */
struct decision_window {
	int64_t from_us, to_us; /* wall, not with `to_us`; 0: open */
	size_t limit;
};

/* Who is shown them; false from `each` ends it. */
struct decision_reader {
	bool (*each)(void *arg, const struct decision *d);
	void *arg;
	size_t damaged; /* entries that could not be read */
};

/* The newest first; gives how many were shown. */
size_t decision_each(struct ledger *l, const struct decision_window *window,
    struct decision_reader *reader);
