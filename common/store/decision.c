#include "common/store/decision.h"

#include <assert.h>

#include "common/format/json.h"
#include "common/format/pack.h"

void
decision_write(struct buf *out, const struct decision_row *row,
    const struct candidate_row *candidates, size_t count)
{
	size_t i;

	assert(count <= DECISION_CANDIDATES_MAX);
	pack_array(out, 1 + count);
	row_write(ROW_DECISION, row, out);
	for (i = 0; i < count; i++)
		row_write(ROW_CANDIDATE, &candidates[i], out);
}

bool
decision_read(struct decision *d, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	size_t rows = unpack_array(&u), i;

	d->count = 0;
	if (rows < 1 || rows - 1 > DECISION_CANDIDATES_MAX)
		return false;
	if (!row_read(ROW_DECISION, unpack_raw(&u), &d->row))
		return false;
	for (i = 0; i < rows - 1; i++)
		if (!row_read(ROW_CANDIDATE, unpack_raw(&u), &d->candidates[i]))
			return false;
	d->count = rows - 1;
	return unpack_done(&u);
}

void
decision_put(struct ledger_turn *t, enum ledger_batch b,
    const struct decision_row *row, const struct candidate_row *candidates,
    size_t count)
{
	struct buf *bytes = ledger_room(t);

	if (b == LEDGER_SETTLEMENTS && ledger_full(t))
		return;
	decision_write(bytes, row, candidates, count);
	assert(!bytes->failed);
	ledger_put(t, b, FAMILY_DECISION,
	    slice_make(row->request.bytes, ID_BYTES), buf_slice(bytes));
}

bool
decision_get(struct ledger *l, const struct id *request, struct buf *bytes,
    struct decision *d)
{
	return db_get(ledger_db(l), FAMILY_DECISION,
		   slice_make(request->bytes, ID_BYTES), bytes) &&
	       decision_read(d, buf_slice(bytes));
}

void
decision_json(const struct decision *d, struct json_writer *w)
{
	size_t i;

	json_open(w, '{');
	row_json_fields(ROW_DECISION, &d->row, w);
	json_key(w, "candidates");
	json_open(w, '[');
	for (i = 0; i < d->count; i++)
		row_json(ROW_CANDIDATE, &d->candidates[i], w);
	json_close(w, ']');
	json_close(w, '}');
}

/* The key that a window begins or ends with; empty where it is open. */
static struct slice
bound(int64_t wall_us, struct id *id)
{
	if (wall_us <= 0)
		return slice_make(NULL, 0);
	*id = id_at(wall_us);
	return slice_make(id->bytes, ID_BYTES);
}

size_t
decision_each(struct ledger *l, const struct decision_window *window,
    struct decision_reader *reader)
{
	struct id from, to;
	struct db_scan *scan = db_scan_new(ledger_db(l), FAMILY_DECISION,
	    bound(window->from_us, &from), bound(window->to_us, &to), true);
	struct decision d;
	struct slice key, value;
	size_t shown = 0;
	bool more = true;

	reader->damaged = 0;
	while (
	    more && shown < window->limit && db_scan_next(scan, &key, &value)) {
		if (!decision_read(&d, value)) {
			reader->damaged++;
			continue;
		}
		shown++;
		more = reader->each(reader->arg, &d);
	}
	db_scan_free(scan);
	return shown;
}
