#pragma once
/*
 * closure: a month that is closed: what it came to, as the member said it
 * then and signed it.  Stands in FAMILY_META, which retention does not touch;
 * it is written once and never changed.  The bytes are what counts: whoever
 * is shown them is shown the same ones always.
 */
#include "common/base/crypto.h"
#include "common/store/db.h"

#define CLOSURE_CONTEXT "gsr/month/v1"
#define CLOSURE_MAX     (4u << 20) /* of a stored one */

struct closure {
	struct slice statement; /* a JSON object; into the bytes */
	struct signature signature;
};

/* False: the month is not closed.  `month` is a PERIOD_MONTH. */
must_check bool closure_find(struct db *db, int64_t month, struct buf *bytes,
    struct closure *c);

/* Sign it and keep it; durable when it is true. */
must_check bool closure_keep(struct db *db, int64_t month,
    struct slice statement, const struct secret *key);

must_check bool closure_is_signed(const struct closure *c,
    const struct public_key *key);

/* As one line of JSON: {"statement":…,"signature":"hex"}. */
void closure_write(const struct closure *c, struct buf *out);

/* Each stored one, the oldest first, by the name of its month; `c` is NULL
 * when its bytes are none.  False: the store could not be read. */
must_check bool closure_each(struct db *db,
    void (*call)(void *arg, struct slice month, const struct closure *c),
    void *arg);
