/*
 * Slice by slice.  How far it is stands in the write that has a slice's counts,
 * so that after a crash it goes on where it was.  A slice is read without the
 * lock.  A write of a row that the recount has not passed leaves it to the
 * recount, and is held: a slice whose rows one of those was, from before it was
 * read until now, is dropped and read again later.
 */
#include "common/store/recount.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/store/rollup.h"

#define DONE          "rollups"
#define PROGRESS      "recount"
#define PROGRESS_MAX  256
#define ROWS_A_SLICE  512
#define TELL_EVERY    1000000
#define PROGRESS_FORM 1

/* Requests come before attempts; behind those it is done. */
enum pass { PASS_REQUESTS, PASS_ATTEMPTS, PASSES };

static const struct {
	enum row_kind kind;
	enum family family;
} passes[PASSES] = {
	[PASS_REQUESTS] = { ROW_REQUEST, FAMILY_REQUEST },
	[PASS_ATTEMPTS] = { ROW_ATTEMPT, FAMILY_ATTEMPT },
};

/* All rows before it are counted.  All rows of a request are in one slice. */
struct position {
	int64_t pass;
	struct id next;
};

struct recount {
	struct db *db;
	atomic_bool done;
	/* The last request that had rows when it was begun; zero: none. */
	struct id last[PASSES];
	pthread_mutex_t lock; /* for the next four */
	struct position at;
	size_t held; /* rows whose writes are waited for */
	bool is_low;
	struct position lowest; /* of those since a slice began with none */
	/* Of whoever calls recount_step. */
	struct db_batch *batch;
	struct rollup *rollup;
	int64_t rows, told;
};

/* What a slice came to. */
struct slice_of_rows {
	struct position end;
	int64_t rows;
};

bool
recount_done(struct db *db)
{
	struct buf value;
	bool done;

	buf_init(&value, ROW_BYTES_MAX);
	done = db_get(db, FAMILY_META, slice_of(DONE), &value);
	buf_fini(&value);
	return done;
}

static int
compare_ids(const struct id *a, const struct id *b)
{
	return memcmp(a->bytes, b->bytes, ID_BYTES);
}

static bool
is_before(const struct position *a, const struct position *b)
{
	return a->pass != b->pass ? a->pass < b->pass
				  : compare_ids(&a->next, &b->next) < 0;
}

/* False: there is none behind it. */
static bool
id_after(struct id *id)
{
	size_t i = ID_BYTES;

	while (i > 0 && ++id->bytes[i - 1] == 0)
		i--;
	return i > 0;
}

/*** How far it is, in the store. */

static void
put_progress(struct recount *r, const struct position *at)
{
	struct buf value;
	int i;

	if (at->pass == PASSES) {
		db_batch_delete(r->batch, r->db, FAMILY_META,
		    slice_of(PROGRESS));
		db_batch_put(r->batch, r->db, FAMILY_META, slice_of(DONE),
		    slice_of("1"));
		return;
	}
	buf_init(&value, PROGRESS_MAX);
	pack_int(&value, PROGRESS_FORM);
	pack_int(&value, at->pass);
	pack_bytes(&value, at->next.bytes, ID_BYTES);
	for (i = 0; i < PASSES; i++)
		pack_bytes(&value, r->last[i].bytes, ID_BYTES);
	db_batch_put(r->batch, r->db, FAMILY_META, slice_of(PROGRESS),
	    buf_slice(&value));
	buf_fini(&value);
}

static bool
read_progress(struct recount *r)
{
	struct unpack u;
	struct buf value;
	bool there;
	int i;

	buf_init(&value, PROGRESS_MAX);
	there = db_get(r->db, FAMILY_META, slice_of(PROGRESS), &value);
	if (there) {
		u = unpack_start(buf_slice(&value));
		there = unpack_int(&u) == PROGRESS_FORM;
		r->at.pass = unpack_int(&u);
		unpack_fixed(&u, r->at.next.bytes, ID_BYTES);
		for (i = 0; i < PASSES; i++)
			unpack_fixed(&u, r->last[i].bytes, ID_BYTES);
		there = there && unpack_done(&u) && r->at.pass >= 0 &&
			r->at.pass < PASSES;
	}
	buf_fini(&value);
	return there;
}

static bool
find_last(struct recount *r, int pass)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan =
	    db_scan_new(r->db, passes[pass].family, none, none, true);
	bool good;

	if (db_scan_next(scan, &key, &value) && key.len >= ID_BYTES)
		memcpy(r->last[pass].bytes, key.ptr, ID_BYTES);
	good = !db_scan_failed(scan);
	db_scan_free(scan);
	return good;
}

/* What a version before this one left half done goes, too. */
static bool
begin(struct recount *r)
{
	static const struct id none;
	enum db_result result;
	int i;

	memset(r->last, 0, sizeof(r->last));
	for (i = 0; i < PASSES; i++)
		if (!find_last(r, i))
			return false;
	r->at = (struct position){ .pass = PASS_REQUESTS };
	if (compare_ids(&r->last[PASS_REQUESTS], &none) == 0 &&
	    compare_ids(&r->last[PASS_ATTEMPTS], &none) == 0)
		r->at.pass = PASSES;
	/* The keys of roll-ups begin with letters: see rollup.h. */
	db_batch_delete_range(r->batch, r->db, FAMILY_ROLLUP, slice_of("A"),
	    slice_of("S"));
	put_progress(r, &r->at);
	result = db_write(r->db, r->batch, true);
	db_batch_clear(r->batch);
	return result == DB_OK;
}

struct recount *
recount_open(struct db *db)
{
	struct recount *r = xcalloc(1, sizeof(*r));
	bool done = recount_done(db);

	r->db = db;
	r->batch = db_batch_new();
	r->rollup = rollup_new();
	pthread_mutex_init(&r->lock, NULL);
	atomic_init(&r->done, done);
	if (!done && !read_progress(r) && !begin(r)) {
		recount_close(r);
		return NULL;
	}
	if (!done && r->at.pass == PASSES)
		atomic_store(&r->done, true);
	if (!atomic_load(&r->done))
		log_info("what is stored is added up for reports; until then "
			 "they read rows");
	return r;
}

void
recount_close(struct recount *r)
{
	if (r == NULL)
		return;
	rollup_free(r->rollup);
	db_batch_free(r->batch);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/*** Rows that are put meanwhile. */

static void
hold(struct recount *r, const struct position *row)
{
	r->held++;
	if (!r->is_low || is_before(row, &r->lowest))
		r->lowest = *row;
	r->is_low = true;
}

bool
recount_counted(struct recount *r, enum row_kind kind, const struct id *request,
    size_t *held)
{
	const struct position row = { kind == ROW_REQUEST ? PASS_REQUESTS
							  : PASS_ATTEMPTS,
		*request };
	bool passed;

	if (r == NULL || atomic_load_explicit(&r->done, memory_order_acquire) ||
	    compare_ids(request, &r->last[row.pass]) > 0)
		return true;
	pthread_mutex_lock(&r->lock);
	passed = is_before(&row, &r->at);
	if (!passed) {
		hold(r, &row);
		++*held;
	}
	pthread_mutex_unlock(&r->lock);
	return passed;
}

void
recount_release(struct recount *r, size_t held)
{
	if (held == 0)
		return;
	pthread_mutex_lock(&r->lock);
	r->held -= held;
	pthread_mutex_unlock(&r->lock);
}

/*** A slice. */

static void
count_row(struct recount *r, enum row_kind kind, struct slice value)
{
	struct request_row request;
	struct attempt_row attempt;

	if (kind == ROW_REQUEST && row_read(kind, value, &request))
		rollup_request(r->rollup, r->batch, r->db, NULL, &request);
	if (kind == ROW_ATTEMPT && row_read(kind, value, &attempt))
		rollup_attempt(r->rollup, r->batch, r->db, NULL, &attempt);
}

/* It ends where a request begins, or is all that is left of this pass. */
static bool
count_slice(struct recount *r, const struct position *from,
    struct slice_of_rows *s)
{
	struct id end = r->last[from->pass], id = from->next;
	struct slice to = slice_make(end.bytes, ID_BYTES), key, value;
	struct db_scan *scan;
	bool more = false, good;

	if (!id_after(&end))
		to = slice_make(NULL, 0);
	scan = db_scan_new(r->db, passes[from->pass].family,
	    slice_make(from->next.bytes, ID_BYTES), to, false);
	*s = (struct slice_of_rows){ .end = { .pass = from->pass + 1 } };
	while (!more && db_scan_next(scan, &key, &value)) {
		if (key.len < ID_BYTES)
			continue;
		more = s->rows >= ROWS_A_SLICE &&
		       memcmp(id.bytes, key.ptr, ID_BYTES) != 0;
		memcpy(id.bytes, key.ptr, ID_BYTES);
		if (more)
			s->end = (struct position){ from->pass, id };
		else
			count_row(r, passes[from->pass].kind, value);
		s->rows += !more;
	}
	good = !db_scan_failed(scan);
	db_scan_free(scan);
	return good;
}

/* What was not held when the slice was read, and is not in it, stays out. */
static enum recount_result
take_slice(struct recount *r, const struct slice_of_rows *s)
{
	enum db_result result;

	rollup_write(r->rollup, r->batch, r->db);
	put_progress(r, &s->end);
	if (r->is_low && is_before(&r->lowest, &s->end))
		return RECOUNT_WAITS;
	/* Not patient: whoever puts an old row may wait for this lock. */
	result = db_write(r->db, r->batch, false);
	if (result != DB_OK)
		return result == DB_BUSY ? RECOUNT_WAITS : RECOUNT_FAILED;
	r->at = s->end;
	if (r->at.pass < PASSES)
		return RECOUNT_MORE;
	atomic_store_explicit(&r->done, true, memory_order_release);
	return RECOUNT_DONE;
}

/* The roll-up remembers which dimensions it told: they were not written. */
static void
drop_slice(struct recount *r)
{
	rollup_free(r->rollup);
	r->rollup = rollup_new();
}

static void
tell(struct recount *r, enum recount_result result)
{
	if (result == RECOUNT_DONE)
		log_info("rows were added up for reports",
		    log_int("rows", r->rows));
	else if (r->rows / TELL_EVERY > r->told)
		log_info("rows are being added up for reports",
		    log_int("rows", r->rows));
	r->told = r->rows / TELL_EVERY;
}

enum recount_result
recount_step(struct recount *r)
{
	enum recount_result result = RECOUNT_FAILED;
	struct slice_of_rows s;
	struct position from;

	if (atomic_load_explicit(&r->done, memory_order_acquire))
		return RECOUNT_DONE;
	pthread_mutex_lock(&r->lock);
	/* Those that were released are in what is read from now on. */
	if (r->held == 0)
		r->is_low = false;
	from = r->at;
	pthread_mutex_unlock(&r->lock);
	if (count_slice(r, &from, &s)) {
		pthread_mutex_lock(&r->lock);
		result = take_slice(r, &s);
		pthread_mutex_unlock(&r->lock);
	}
	db_batch_clear(r->batch);
	if (result == RECOUNT_WAITS || result == RECOUNT_FAILED) {
		drop_slice(r);
	} else {
		r->rows += s.rows;
		tell(r, result);
	}
	return result;
}
