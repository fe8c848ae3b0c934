#include "common/store/dossier.h"

#include "common/store/intent.h"

bool
dossier_is_open(struct slice state)
{
	return slice_is(state, "open");
}

/* Every key that begins with the id. */
static struct db_scan *
scan_of(struct ledger *l, enum family f, const struct id *id, bool backwards)
{
	uint8_t last[ATTEMPT_KEY_MAX + 1];

	memset(last, UINT8_MAX, sizeof(last));
	memcpy(last, id->bytes, ID_BYTES);
	return db_scan_new(ledger_db(l), f, slice_make(id->bytes, ID_BYTES),
	    slice_make(last, sizeof(last)), backwards);
}

/* The row as it was when the attempt under way began. */
static bool
open_request(struct ledger *l, const struct id *id, struct buf *bytes,
    struct request_row *row)
{
	struct db_scan *scan = scan_of(l, FAMILY_INTENT, id, true);
	struct slice key, value;
	struct intent intent;
	bool found = false;

	while (!found && db_scan_next(scan, &key, &value)) {
		if (intent_mark_of(key) == INTENT_RECEIPT)
			continue;
		buf_reset(bytes);
		buf_put_slice(bytes, value);
		found = intent_read(&intent, buf_slice(bytes)) &&
			intent.has_request;
	}
	db_scan_free(scan);
	if (found)
		*row = intent.request;
	return found;
}

bool
dossier_request(struct ledger *l, const struct id *id, struct buf *bytes,
    struct request_row *row)
{
	bool stored = ledger_request(l, id, bytes, row);

	if (stored && !dossier_is_open(row->state))
		return true;
	/* Between two attempts both stand there; else the intent is newer. */
	return open_request(l, id, bytes, row) ||
	       ledger_request(l, id, bytes, row);
}

void
dossier_attempts(struct ledger *l, const struct id *id,
    void (*each)(void *arg, const struct attempt_row *row), void *arg)
{
	struct db_scan *scan = scan_of(l, FAMILY_ATTEMPT, id, false);
	struct slice key, value;
	struct attempt_row row;
	struct intent intent;

	while (db_scan_next(scan, &key, &value))
		if (row_read(ROW_ATTEMPT, value, &row))
			each(arg, &row);
	db_scan_free(scan);
	scan = scan_of(l, FAMILY_INTENT, id, false);
	while (db_scan_next(scan, &key, &value))
		if (intent_mark_of(key) < 0 && intent_read(&intent, value) &&
		    intent.has_attempt)
			each(arg, &intent.attempt);
	db_scan_free(scan);
}
