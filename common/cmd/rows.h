#pragma once
/*
 * rows: the attempts of a ledger, one by one in order of time, out of a store
 * (beside the running daemon or without one) or out of an export.  An export
 * has no price books: its attempts have no price.  For main threads.
 */
#include "common/base/slice.h"
#include "common/llm/price.h"
#include "common/store/row.h"

struct rows;

/* Whose they are. */
struct slice rows_member(const struct rows *r);

/* NULL: said why. */
struct rows *rows_of_store(const char *state_dir);

/*
 * `topology` may be NULL: the export is believed as it stands, and that is
 * said.  NULL: said why.
 */
struct rows *rows_of_export(const char *dir, const char *topology,
    const char *operator_key);
void rows_close(struct rows *r);

/* False and said so when some of these days are not in it. */
must_check bool rows_cover(const struct rows *r, int64_t from_us,
    int64_t to_us);

/*
 * Each attempt of a request that came in [from_us, to_us); `price` is that of
 * its price book, or NULL.  False: said why.
 */
typedef void rows_call(void *arg, const struct attempt_row *row,
    const struct price *price);
must_check bool rows_each(struct rows *r, int64_t from_us, int64_t to_us,
    rows_call *call, void *arg);
