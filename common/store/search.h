#pragma once
/*
 * search: the rows of one kind that somebody asked for, the newest first.  It
 * may end before all rows were seen: the key where it did is where the next
 * search begins, so that no row comes twice whatever is written meanwhile.
 * Reads only; works on a store opened read-only.
 */
#include "common/store/ledger.h"
#include "common/store/wish.h"

struct search;

union search_row {
	struct request_row request;
	struct attempt_row attempt;
	struct event_row event;
};

/* The wish has to outlive the search. */
struct search *search_new(struct ledger *l, const struct wish *wish);
void search_free(struct search *s);

/*
 * The next row that passes, or NULL: its text is good until the next call.
 * *stored (may be NULL) is the row as row_read takes it.
 */
const union search_row *search_next(struct search *s, struct slice *stored);

/* Below which key to go on; false: there are no more rows. */
must_check bool search_rest(const struct search *s, struct search_key *key);

/* It ended because of rows_max rather than of `limit`. */
must_check bool search_gave_up(const struct search *s);

/* The store could not be read to the end. */
must_check bool search_failed(const struct search *s);

#define SEARCH_KEY_CHARS (2 * SEARCH_KEY_MAX + 1)
void search_key_write(const struct search_key *key,
    char text[SEARCH_KEY_CHARS]);
