#include "common/store/recount.h"

#include "common/base/log.h"
#include "common/store/rollup.h"

#define MARK         "rollups"
#define ROWS_A_WRITE 512
#define TELL_EVERY   1000000

struct recounting {
	struct db *db;
	struct db_batch *batch;
	struct rollup *rollup;
	int64_t rows;
};

bool
recount_done(struct db *db)
{
	struct buf value;
	bool done;

	buf_init(&value, ROW_BYTES_MAX);
	done = db_get(db, FAMILY_META, slice_of(MARK), &value);
	buf_fini(&value);
	return done;
}

static bool
write_some(struct recounting *r)
{
	enum db_result result;

	rollup_write(r->rollup, r->batch, r->db);
	result = db_write(r->db, r->batch, true);
	db_batch_clear(r->batch);
	return result == DB_OK;
}

static void
count_row(struct recounting *r, enum row_kind kind, struct slice value)
{
	struct request_row request;
	struct attempt_row attempt;

	if (kind == ROW_REQUEST && row_read(kind, value, &request))
		rollup_request(r->rollup, r->batch, r->db, NULL, &request);
	if (kind == ROW_ATTEMPT && row_read(kind, value, &attempt))
		rollup_attempt(r->rollup, r->batch, r->db, NULL, &attempt);
}

static bool
count_all(struct recounting *r, enum row_kind kind, enum family f)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan = db_scan_new(r->db, f, none, none, false);
	bool good = true;

	while (good && db_scan_next(scan, &key, &value)) {
		count_row(r, kind, value);
		if (++r->rows % ROWS_A_WRITE == 0)
			good = write_some(r);
		if (r->rows % TELL_EVERY == 0)
			log_info("rows are being added up for reports",
			    log_int("rows", r->rows));
	}
	good = good && !db_scan_failed(scan);
	db_scan_free(scan);
	return good && write_some(r);
}

/* Their keys begin with letters: see rollup.h. */
static void
forget_all(struct recounting *r)
{
	db_batch_delete_range(r->batch, r->db, FAMILY_ROLLUP, slice_of("A"),
	    slice_of("S"));
}

bool
recount(struct db *db)
{
	struct recounting r = { .db = db };
	bool good;

	if (recount_done(db))
		return true;
	r.batch = db_batch_new();
	r.rollup = rollup_new();
	forget_all(&r);
	good =
	    write_some(&r) && count_all(&r, ROW_REQUEST, FAMILY_REQUEST) &&
	    count_all(&r, ROW_ATTEMPT, FAMILY_ATTEMPT) &&
	    db_put_now(db, FAMILY_META, slice_of(MARK), slice_of("1")) == DB_OK;
	if (good && r.rows > 0)
		log_info("rows were added up for reports",
		    log_int("rows", r.rows));
	rollup_free(r.rollup);
	db_batch_free(r.batch);
	return good;
}
