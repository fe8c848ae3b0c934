#include "common/store/ledger.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/net/loop.h"
#include "common/store/book.h"
#include "common/store/custody.h"
#include "common/store/posting.h"
#include "common/store/recent.h"
#include "common/store/recount.h"
#include "common/store/slip.h"
#include "common/store/spend.h"

#define RETRY_US    (20 * US_PER_MS)
#define FRESH_BYTES (64u << 20) /* rows of one turn: far beyond any */
#define KEPT_MAX    (16 * LEDGER_KEPT_BYTES)
#define NEVER       UINT64_MAX

struct ledger {
	struct db *db;
	struct books *books;
	struct custody *custody;
	struct slips *slips;
	struct recount *recount;   /* NULL: it is only read */
	struct ledger_watch watch; /* set before there are turns */
	atomic_uint_least64_t committed, durable;
};

/* The settlements of one turn. */
struct settlements {
	struct list link;
	struct db_batch *batch;
	struct list waits;
	struct buf rows; /* recent.h */
	size_t held;     /* rows in it that the recount waits for */
};

struct ledger_turn {
	struct ledger *ledger;
	struct loop *loop;
	struct db_batch *intents;
	struct list intent_waits;
	struct settlements *fresh; /* of this turn */
	struct list kept;          /* those of turns that failed, in order */
	size_t kept_bytes;
	struct list written, refused; /* waits to call in RELEASE */
	struct buf row;               /* being put */
	struct posting *posting;      /* into fresh */
	struct loop_timer *retry;
	uint64_t committed_turn; /* the last turn whose COMMIT has run */
};

struct ledger *
ledger_open(const char *state_dir, bool read_only)
{
	struct recount *recount = NULL;
	struct custody *custody;
	struct ledger *l;
	char dir[4096];
	struct db *db;

	if (snprintf(dir, sizeof(dir), "%s/store", state_dir) >=
	    (int)sizeof(dir)) {
		log_error("path of the store is too long",
		    log_str("dir", state_dir));
		return NULL;
	}
	if (db_open(&db, dir, read_only) != DB_OK)
		return NULL;
	custody = custody_open(db);
	if (custody != NULL && !read_only)
		recount = recount_open(db);
	if (custody == NULL || (!read_only && recount == NULL)) {
		custody_close(custody);
		db_close(db);
		return NULL;
	}
	l = xcalloc(1, sizeof(*l));
	l->db = db;
	l->books = books_new();
	l->custody = custody;
	l->slips = slips_open(db, read_only);
	l->recount = recount;
	atomic_init(&l->committed, 0);
	atomic_init(&l->durable, 0);
	return l;
}

void
ledger_close(struct ledger *l)
{
	if (l == NULL)
		return;
	slips_close(l->slips);
	books_free(l->books);
	recount_close(l->recount);
	custody_close(l->custody);
	db_close(l->db);
	free(l);
}

struct db *
ledger_db(struct ledger *l)
{
	return l->db;
}

struct books *
ledger_books(struct ledger *l)
{
	return l->books;
}

struct custody *
ledger_custody(struct ledger *l)
{
	return l->custody;
}

struct slips *
ledger_slips(struct ledger *l)
{
	return l->slips;
}

struct recount *
ledger_recount(struct ledger *l)
{
	return l->recount;
}

struct ledger *
ledger_of(struct ledger_turn *t)
{
	return t->ledger;
}

static struct settlements *
settlements_new(void)
{
	struct settlements *s = xcalloc(1, sizeof(*s));

	list_init(&s->link);
	list_init(&s->waits);
	s->batch = db_batch_new();
	buf_init(&s->rows, FRESH_BYTES);
	return s;
}

/* What comes after this turn's COMMIT, or before any, must not sleep. */
static void
hurry(struct ledger_turn *t)
{
	uint64_t turn = loop_turns(t->loop);

	if (turn == 0 || turn == t->committed_turn)
		loop_again(t->loop);
}

static struct posting_place
fresh_place(const struct ledger_turn *t)
{
	return (struct posting_place){ t->fresh->batch, t->ledger->db };
}

static bool
settlements_empty(const struct settlements *s)
{
	return db_batch_count(s->batch) == 0 && list_empty(&s->waits);
}

static void
settlements_reset(struct settlements *s)
{
	db_batch_clear(s->batch);
	buf_reset(&s->rows);
}

/* Whoever still waits is let go, so that cancelling later is harmless. */
static void
forget_waits(struct list *waits)
{
	while (list_pop(waits) != NULL)
		;
}

/* They are written, or never will be. */
static void
let_recount_pass(struct ledger *l, struct settlements *s)
{
	recount_release(l->recount, s->held);
	s->held = 0;
}

static void
settlements_free(struct settlements *s)
{
	list_remove(&s->link);
	forget_waits(&s->waits);
	db_batch_free(s->batch);
	buf_fini(&s->rows);
	free(s);
}

/* An empty batch is written without asking the store. */
static enum db_result
write_batch(struct ledger *l, struct db_batch *b, bool patient)
{
	size_t rows = db_batch_count(b);
	enum db_result result;

	if (rows == 0)
		return DB_OK;
	result = db_write(l->db, b, patient);
	if (result == DB_BUSY)
		stat_add(STAT_STALLS, 1);
	if (result != DB_OK)
		return result;
	stat_add(STAT_COMMITS, 1);
	stat_add(STAT_ROWS, rows);
	atomic_fetch_add(&l->committed, 1);
	return DB_OK;
}

bool
ledger_stuck(const struct ledger_turn *t)
{
	return !list_empty(&t->kept);
}

bool
ledger_full(const struct ledger_turn *t)
{
	return t->kept_bytes > LEDGER_KEPT_BYTES;
}

size_t
ledger_pending_bytes(const struct ledger_turn *t)
{
	return t->kept_bytes + db_batch_bytes(t->fresh->batch);
}

static void
commit_intents(struct ledger_turn *t)
{
	bool written = db_batch_count(t->intents) == 0;

	if (!written && !ledger_full(t))
		written = write_batch(t->ledger, t->intents, false) == DB_OK;
	list_append(written ? &t->written : &t->refused, &t->intent_waits);
	db_batch_clear(t->intents);
}

/* Write what earlier turns left, in order; true when nothing is left. */
static bool
commit_kept(struct ledger_turn *t)
{
	while (!list_empty(&t->kept)) {
		struct settlements *s =
		    container_of(t->kept.next, struct settlements, link);

		if (write_batch(t->ledger, s->batch, false) != DB_OK)
			return false;
		t->kept_bytes -= db_batch_bytes(s->batch);
		list_append(&t->written, &s->waits);
		let_recount_pass(t->ledger, s);
		settlements_free(s);
	}
	return true;
}

static void
keep_fresh(struct ledger_turn *t)
{
	struct settlements *s = t->fresh;

	t->kept_bytes += db_batch_bytes(s->batch);
	if (t->kept_bytes > KEPT_MAX) {
		log_error("store refuses settlements and they are too many",
		    log_int("bytes", (int64_t)t->kept_bytes));
		abort();
	}
	list_push(&t->kept, &s->link);
	t->fresh = settlements_new();
}

static void
commit_settlements(struct ledger_turn *t)
{
	struct settlements *s = t->fresh;

	s->held += posting_write(t->posting, fresh_place(t));
	if (commit_kept(t) &&
	    write_batch(t->ledger, s->batch, false) == DB_OK) {
		list_append(&t->written, &s->waits);
		let_recount_pass(t->ledger, s);
		settlements_reset(s);
		return;
	}
	if (!settlements_empty(s))
		keep_fresh(t);
	if (!list_empty(&t->kept))
		loop_timer_set(t->retry, RETRY_US);
}

static void
on_commit(void *arg)
{
	struct ledger_turn *t = arg;

	commit_intents(t);
	commit_settlements(t);
	t->committed_turn = loop_turns(t->loop);
}

/* A wait that waits again inside its call goes to the next turn's lists. */
static void
call_waits(struct list *waits, bool written)
{
	struct ledger_wait *w;
	struct list *link;

	while ((link = list_pop(waits)) != NULL) {
		w = container_of(link, struct ledger_wait, link);
		w->call(w->arg, written);
	}
}

static void
on_release(void *arg)
{
	struct ledger_turn *t = arg;

	call_waits(&t->written, true);
	call_waits(&t->refused, false);
}

/* The retry is made by COMMIT; the timer only sees that there is a turn. */
static void
on_retry(void *arg)
{
	(void)arg;
}

struct ledger_turn *
ledger_turn_new(struct ledger *l, struct loop *loop)
{
	struct ledger_turn *t = xcalloc(1, sizeof(*t));

	t->ledger = l;
	t->loop = loop;
	t->intents = db_batch_new();
	t->fresh = settlements_new();
	buf_init(&t->row, ROW_BYTES_MAX);
	t->posting = posting_new(&l->watch, l->slips, l->recount);
	list_init(&t->intent_waits);
	list_init(&t->kept);
	list_init(&t->written);
	list_init(&t->refused);
	t->retry = loop_timer_new(loop, on_retry, NULL);
	t->committed_turn = NEVER;
	loop_each_turn(loop, LOOP_COMMIT, on_commit, t);
	loop_each_turn(loop, LOOP_RELEASE, on_release, t);
	return t;
}

static void
write_last(struct ledger_turn *t, struct settlements *s)
{
	if (write_batch(t->ledger, s->batch, true) != DB_OK)
		log_error("settlements were not written at the end",
		    log_int("rows", (int64_t)db_batch_count(s->batch)));
	let_recount_pass(t->ledger, s);
	settlements_free(s);
}

void
ledger_turn_free(struct ledger_turn *t)
{
	if (t == NULL)
		return;
	list_each(link, &t->kept)
		write_last(t, container_of(link, struct settlements, link));
	t->fresh->held += posting_write(t->posting, fresh_place(t));
	write_last(t, t->fresh);
	forget_waits(&t->intent_waits);
	forget_waits(&t->written);
	forget_waits(&t->refused);
	db_batch_free(t->intents);
	buf_fini(&t->row);
	posting_free(t->posting);
	loop_timer_free(t->retry);
	free(t);
}

/* In the turn that put it, by ledger_find. */
static bool
is_looked_for(enum family f)
{
	return f == FAMILY_REQUEST || f == FAMILY_ATTEMPT ||
	       f == FAMILY_RECEIPT || f == FAMILY_MAKER;
}

void
ledger_put(struct ledger_turn *t, enum ledger_batch b, enum family f,
    struct slice key, struct slice value)
{
	struct db *db = t->ledger->db;

	hurry(t);
	if (b == LEDGER_INTENTS) {
		db_batch_put(t->intents, db, f, key, value);
		return;
	}
	db_batch_put(t->fresh->batch, db, f, key, value);
	if (is_looked_for(f))
		recent_put(&t->fresh->rows, f, key, value);
}

void
ledger_add(struct ledger_turn *t, struct slice key,
    const int64_t sums[MERGE_SUMS])
{
	hurry(t);
	posting_add(t->posting, fresh_place(t), key, sums);
}

struct buf *
ledger_room(struct ledger_turn *t)
{
	buf_reset(&t->row);
	return &t->row;
}

void
ledger_watch(struct ledger *l, const struct ledger_watch *watch)
{
	l->watch = *watch;
}

/* `before` is what is stored, or NULL. */
static void
put_request(struct ledger_turn *t, const struct request_row *before,
    const struct request_row *row, struct buf *out)
{
	struct request_row counted = *row;

	posting_request(t->posting, fresh_place(t), before, &counted);
	row_write(ROW_REQUEST, &counted, out);
}

static void
put_attempt(struct ledger_turn *t, const struct attempt_row *before,
    const struct attempt_row *row, struct buf *out)
{
	struct attempt_row counted = *row;

	posting_attempt(t->posting, fresh_place(t), before, &counted);
	row_write(ROW_ATTEMPT, &counted, out);
}

static void
put_row(struct ledger_turn *t, enum row_kind kind, const void *before,
    const void *row, struct slice key)
{
	struct buf *bytes = ledger_room(t);

	assert(kind == ROW_REQUEST || kind == ROW_ATTEMPT);
	if (kind == ROW_REQUEST)
		put_request(t, before, row, bytes);
	else
		put_attempt(t, before, row, bytes);
	assert(!bytes->failed);
	ledger_put(t, LEDGER_SETTLEMENTS,
	    kind == ROW_REQUEST ? FAMILY_REQUEST : FAMILY_ATTEMPT, key,
	    buf_slice(bytes));
}

void
ledger_put_row(struct ledger_turn *t, enum row_kind kind, const void *row,
    struct slice key)
{
	put_row(t, kind, NULL, row, key);
}

void
ledger_replace_row(struct ledger_turn *t, enum row_kind kind, const void *row,
    struct slice key)
{
	union {
		struct request_row request;
		struct attempt_row attempt;
	} before;
	struct buf bytes;
	bool is_stored;

	buf_init(&bytes, ROW_BYTES_MAX);
	is_stored = ledger_find(t,
			kind == ROW_REQUEST ? FAMILY_REQUEST : FAMILY_ATTEMPT,
			key, &bytes) &&
		    row_read(kind, buf_slice(&bytes), &before);
	put_row(t, kind, is_stored ? &before : NULL, row, key);
	buf_fini(&bytes);
}

void
ledger_delete(struct ledger_turn *t, enum ledger_batch b, enum family f,
    struct slice key)
{
	hurry(t);
	db_batch_delete(b == LEDGER_INTENTS ? t->intents : t->fresh->batch,
	    t->ledger->db, f, key);
}

bool
ledger_find(struct ledger_turn *t, enum family f, struct slice key,
    struct buf *out)
{
	struct list *link = t->kept.prev;
	struct slice value;
	bool found = recent_find(&t->fresh->rows, f, key, &value);

	for (; !found && link != &t->kept; link = link->prev) {
		struct settlements *s =
		    container_of(link, struct settlements, link);

		found = recent_find(&s->rows, f, key, &value);
	}
	if (!found)
		return db_get(t->ledger->db, f, key, out);
	buf_reset(out);
	buf_put_slice(out, value);
	return !out->failed;
}

void
ledger_wait_init(struct ledger_wait *w, void (*call)(void *arg, bool written),
    void *arg)
{
	list_init(&w->link);
	w->call = call;
	w->arg = arg;
}

void
ledger_await(struct ledger_turn *t, enum ledger_batch b, struct ledger_wait *w)
{
	assert(list_empty(&w->link));
	hurry(t);
	list_push(b == LEDGER_INTENTS ? &t->intent_waits : &t->fresh->waits,
	    &w->link);
}

void
ledger_wait_cancel(struct ledger_wait *w)
{
	list_remove(&w->link);
}

enum db_result
ledger_sync(struct ledger *l)
{
	uint64_t committed = atomic_load(&l->committed);
	enum db_result result;

	if (committed == atomic_load(&l->durable))
		return DB_OK;
	result = db_sync(l->db);
	if (result == DB_OK)
		atomic_store(&l->durable, committed);
	return result;
}

uint64_t
ledger_committed(struct ledger *l)
{
	return atomic_load(&l->committed);
}

uint64_t
ledger_durable(struct ledger *l)
{
	return atomic_load(&l->durable);
}

bool
ledger_request(struct ledger *l, const struct id *id, struct buf *bytes,
    struct request_row *row)
{
	return db_get(l->db, FAMILY_REQUEST, slice_make(id->bytes, ID_BYTES),
		   bytes) &&
	       row_read(ROW_REQUEST, buf_slice(bytes), row);
}
