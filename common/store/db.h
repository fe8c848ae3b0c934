#pragma once
/*
 * db: one RocksDB, its families, batches and scans.  The only file that sees
 * RocksDB.  Reads and db_write may be called from any thread.  A failed call
 * says why in a log line; the world's errors come back as an enum.
 */
#include "common/base/buf.h"
#include "common/store/family.h"
#include "common/store/fault.h"
#include "common/store/merge.h"

struct db;
struct db_batch;
struct db_scan;

/* The format number stands in FAMILY_META; a new store gets ours. */
#define DB_FORMAT 1

/* Open or make the store in `dir`.  read_only needs no lock. */
enum db_result db_open(struct db **db, const char *dir, bool read_only);

void db_close(struct db *db);

struct db_batch *db_batch_new(void);
void db_batch_free(struct db_batch *b);
void db_batch_put(struct db_batch *b, struct db *db, enum family f,
    struct slice key, struct slice value);
void db_batch_delete(struct db_batch *b, struct db *db, enum family f,
    struct slice key);
void db_batch_delete_range(struct db_batch *b, struct db *db, enum family f,
    struct slice from, struct slice to);

/*
 * Add to the value by that key, which begins at nothing: whoever adds what,
 * and in which order it is written, nothing is lost.  Of the families whose
 * values are sums (merge.h) or totals (total.h).
 */
void db_batch_merge(struct db_batch *b, struct db *db, enum family f,
    struct slice key, struct slice value);

size_t db_batch_count(const struct db_batch *b);
size_t db_batch_bytes(const struct db_batch *b);
void db_batch_clear(struct db_batch *b);

/*
 * One atomic write, not synced.  With `patient` false a write stall gives
 * DB_BUSY at once and nothing is written.
 */
enum db_result db_write(struct db *db, struct db_batch *b, bool patient);

/* Make all that was written durable (fsync of the log). */
enum db_result db_sync(struct db *db);

/* True and the value in *out (reset first) when the key is there. */
must_check bool db_get(struct db *db, enum family f, struct slice key,
    struct buf *out);

/* Put and sync at once, for rare things such as tokens. */
enum db_result db_put_now(struct db *db, enum family f, struct slice key,
    struct slice value);
enum db_result db_delete_now(struct db *db, enum family f, struct slice key);

#define DB_FIRST_MAX 32

/*
 * Entries that nobody is shown, whatever they are read for: they are past
 * their time and not dropped yet.  Set before there are other threads; asked
 * in all of them.
 */
struct db_veil {
	bool (*hides)(void *arg, enum family f, struct slice key);
	/* No key before this one is shown, so that scans need not pass them
	 * all by; empty: any may be. */
	struct slice (
	    *first)(void *arg, enum family f, char room[DB_FIRST_MAX]);
	void *arg;
};
void db_veil(struct db *db, const struct db_veil *veil);

/* Keys in order from `from` up to, not with, `to` (empty: to the end). */
struct db_scan *db_scan_new(struct db *db, enum family f, struct slice from,
    struct slice to, bool backwards);
/* The same, forwards, with what is behind the veil. */
struct db_scan *db_scan_bare(struct db *db, enum family f, struct slice from,
    struct slice to);
/* False at the end; slices are good until the next call. */
must_check bool db_scan_next(struct db_scan *s, struct slice *key,
    struct slice *value);
/* It ended because the store could not be read. */
must_check bool db_scan_failed(const struct db_scan *s);
void db_scan_free(struct db_scan *s);

/* About how much the disk's files have of that range; both empty: of all. */
struct db_size {
	int64_t entries; /* of the whole family */
	int64_t bytes;
};
struct db_size db_size(struct db *db, enum family f, struct slice from,
    struct slice to);

/*
 * What was deleted of that range (both empty: of all) leaves the disk's
 * files, and the logs.  Takes its time; false when db_halt cut it short, or
 * it failed.
 */
must_check bool db_compact(struct db *db, enum family f, struct slice from,
    struct slice to);

/*
 * All of the store as it is now, in a new directory: files are linked where
 * that can be, else copied.  Writes go on meanwhile.
 */
must_check bool db_checkpoint(struct db *db, const char *dir);

/* Whoever compacts is let go, so that the store can be closed. */
void db_halt(struct db *db);
