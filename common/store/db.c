#include "common/store/db.h"

#include <assert.h>
#include <errno.h>
#include <rocksdb/c.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/store/format.h"

/*
 * Small on purpose: a member shares its machine with the team's own service.
 * A memtable may take more than its share until it is flushed, so the bound
 * that counts is the one over all families.
 */
#define MEMTABLES_BYTES   (4u << 20)
#define MEMTABLE_BYTES    (2u << 20)
#define ARENA_BLOCK_BYTES (64u << 10)
#define CACHE_BYTES       (2u << 20)
#define BLOCK_BYTES       (16u << 10)
#define TABLE_FILE_BYTES  (32u << 20)
#define LEVEL_BYTES       (128u << 20)
#define FILE_BUFFER_BYTES (64u << 10)
#define WAL_BYTES         (32u << 20)
#define LOG_LEVEL_HEADER  5
#define OPEN_FILES        128
#define MEMTABLES_EACH    5
#define LEVEL0_SLOW       48 /* small files: many are no harm */
#define LEVEL0_STOP       96
#define BOTTOM_TOO        2 /* BottommostLevelCompaction::kForce */

struct db {
	rocksdb_t *rocks;
	rocksdb_column_family_handle_t *families[FAMILIES]; /* NULL: absent */
	rocksdb_options_t *options;
	rocksdb_options_t *merging[FAMILIES]; /* of those that do; else NULL */
	rocksdb_writeoptions_t *patient, *impatient, *synced;
	rocksdb_readoptions_t *read;
	struct db_veil veil; /* hides NULL: none */
	struct fault fault;
	atomic_bool halted;
};

struct db_batch {
	rocksdb_writebatch_t *rocks;
};

struct db_scan {
	const struct db *db;
	enum family family;
	rocksdb_iterator_t *rocks;
	rocksdb_readoptions_t *options;
	char *from, *to; /* the iterator points to its bounds */
	bool backwards, begun, bare, failed;
};

static enum db_result
judge(struct db *db, const char *call, char *error)
{
	enum db_result result = fault_judge(&db->fault, call, error);

	if (error != NULL)
		rocksdb_free(error);
	return result;
}

static enum db_result
judge_write(struct db *db, char *error)
{
	enum db_result result = fault_judge_write(&db->fault, error);

	if (error != NULL)
		rocksdb_free(error);
	return result;
}

/* An error of one store or directory, told whenever it comes.  False: none. */
static bool
tell(const char *text, const char *dir, char *error)
{
	if (error == NULL)
		return false;
	log_error(text, log_str("dir", dir), log_str("why", error));
	rocksdb_free(error);
	return true;
}

static void
set_memory(rocksdb_options_t *o)
{
	rocksdb_lru_cache_options_t *lru = rocksdb_lru_cache_options_create();
	rocksdb_block_based_table_options_t *table =
	    rocksdb_block_based_options_create();
	rocksdb_cache_t *cache;

	/* Not strict: a strict cache answers reads with errors when full. */
	rocksdb_lru_cache_options_set_capacity(lru, CACHE_BYTES);
	rocksdb_lru_cache_options_set_num_shard_bits(lru, 1);
	cache = rocksdb_cache_create_lru_opts(lru);
	rocksdb_lru_cache_options_destroy(lru);
	rocksdb_block_based_options_set_block_cache(table, cache);
	rocksdb_cache_destroy(cache); /* the table options hold it */
	rocksdb_block_based_options_set_block_size(table, BLOCK_BYTES);
	rocksdb_block_based_options_set_cache_index_and_filter_blocks(table, 1);
	rocksdb_block_based_options_set_format_version(table, 5);
	rocksdb_options_set_block_based_table_factory(o, table);
	rocksdb_block_based_options_destroy(table);

	rocksdb_options_set_db_write_buffer_size(o, MEMTABLES_BYTES);
	rocksdb_options_set_write_buffer_size(o, MEMTABLE_BYTES);
	rocksdb_options_set_max_write_buffer_number(o, MEMTABLES_EACH);
	rocksdb_options_set_arena_block_size(o, ARENA_BLOCK_BYTES);
	rocksdb_options_set_memtable_huge_page_size(o, 0);
	rocksdb_options_set_writable_file_max_buffer_size(o, FILE_BUFFER_BYTES);
	rocksdb_options_set_max_open_files(o, OPEN_FILES);
	rocksdb_options_set_table_cache_numshardbits(o, 2);
}

static void
set_files(rocksdb_options_t *o)
{
	rocksdb_options_set_compression(o, rocksdb_lz4_compression);
	rocksdb_options_set_target_file_size_base(o, TABLE_FILE_BYTES);
	rocksdb_options_set_max_bytes_for_level_base(o, LEVEL_BYTES);
	/* Two flushes, so that the fsync of one does not hold up the next. */
	rocksdb_options_set_max_background_flushes(o, 2);
	rocksdb_options_set_max_background_compactions(o, 1);
	rocksdb_options_set_level0_slowdown_writes_trigger(o, LEVEL0_SLOW);
	rocksdb_options_set_level0_stop_writes_trigger(o, LEVEL0_STOP);
	rocksdb_options_set_max_file_opening_threads(o, 1);
	rocksdb_options_set_skip_stats_update_on_db_open(o, 1);
	rocksdb_options_set_max_total_wal_size(o, WAL_BYTES);
	rocksdb_options_set_wal_recovery_mode(o,
	    rocksdb_point_in_time_recovery);
	rocksdb_options_set_manifest_preallocation_size(o, FILE_BUFFER_BYTES);
	/*
	 * After its beginning nothing goes into a log of its own: on a full
	 * disk its second line aborts the process (WritableFileWriter
	 * asserts).  What matters comes back as an error.
	 */
	rocksdb_options_set_info_log_level(o, LOG_LEVEL_HEADER);
	rocksdb_options_set_keep_log_file_num(o, 2);
	rocksdb_options_set_stats_dump_period_sec(o, 0);
	rocksdb_options_set_stats_persist_period_sec(o, 0);
	/* Waiting writers sleep: spinning costs more than it wins on few cores.
	 */
	rocksdb_options_set_enable_write_thread_adaptive_yield(o, 0);
}

/* As the library calls it: one of several operands, or of a value and those. */
static char *
merge_full(void *state, const char *key, size_t key_len, const char *value,
    size_t value_len, const char *const *operands, const size_t *lengths,
    int count, unsigned char *success, size_t *len)
{
	const struct operands o = { slice_make(value, value_len), operands,
		lengths, count };
	const struct family_kind *kind = state;
	char *sum = kind->merge(&o, len);

	(void)key;
	(void)key_len;
	*success = sum != NULL;
	return sum;
}

static char *
merge_partial(void *state, const char *key, size_t key_len,
    const char *const *operands, const size_t *lengths, int count,
    unsigned char *success, size_t *len)
{
	return merge_full(state, key, key_len, NULL, 0, operands, lengths,
	    count, success, len);
}

static void
forget(void *state)
{
	(void)state;
}

static const char *
name(void *state)
{
	return ((const struct family_kind *)state)->merge_name;
}

/* The options own the operator, which has nothing but the kind. */
static rocksdb_options_t *
options_merging(const rocksdb_options_t *like, const struct family_kind *kind)
{
	rocksdb_options_t *options =
	    rocksdb_options_create_copy((rocksdb_options_t *)(uintptr_t)like);

	rocksdb_options_set_merge_operator(options,
	    rocksdb_mergeoperator_create((void *)(uintptr_t)kind, forget,
		merge_full, merge_partial, NULL, name));
	return options;
}

static struct db *
db_new(bool read_only)
{
	struct db *db = xcalloc(1, sizeof(*db));
	enum family f;

	db->options = rocksdb_options_create();
	set_memory(db->options);
	set_files(db->options);
	if (!read_only) {
		rocksdb_options_set_create_if_missing(db->options, 1);
		rocksdb_options_set_create_missing_column_families(db->options,
		    1);
	}
	for (f = 0; f < FAMILIES; f++)
		if (family_kind(f)->merge != NULL)
			db->merging[f] =
			    options_merging(db->options, family_kind(f));
	db->patient = rocksdb_writeoptions_create();
	db->impatient = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_no_slowdown(db->impatient, 1);
	db->synced = rocksdb_writeoptions_create();
	rocksdb_writeoptions_set_sync(db->synced, 1);
	db->read = rocksdb_readoptions_create();
	fault_init(&db->fault);
	atomic_init(&db->halted, false);
	return db;
}

void
db_close(struct db *db)
{
	int f;

	if (db == NULL)
		return;
	for (f = 0; f < FAMILIES; f++) {
		if (db->families[f] != NULL)
			rocksdb_column_family_handle_destroy(db->families[f]);
	}
	if (db->rocks != NULL)
		rocksdb_close(db->rocks);
	rocksdb_readoptions_destroy(db->read);
	rocksdb_writeoptions_destroy(db->synced);
	rocksdb_writeoptions_destroy(db->impatient);
	rocksdb_writeoptions_destroy(db->patient);
	for (f = 0; f < FAMILIES; f++)
		if (db->merging[f] != NULL)
			rocksdb_options_destroy(db->merging[f]);
	rocksdb_options_destroy(db->options);
	free(db);
}

/*
 * Which families stand in `dir`.  One that we do not know is of a newer
 * format; it is refused before RocksDB changes anything.
 */
static enum db_result
look(const struct db *db, const char *dir, bool there[FAMILIES])
{
	enum db_result result = DB_OK;
	char *error = NULL;
	size_t count = 0, i;
	char **names =
	    rocksdb_list_column_families(db->options, dir, &count, &error);

	if (tell("store cannot be read", dir, error))
		return DB_FAILED;
	for (i = 0; i < count; i++) {
		enum family f = family_named(names[i]);

		if (f < FAMILIES) {
			there[f] = true;
			continue;
		}
		log_error("store was written by a newer version",
		    log_str("dir", dir), log_str("family", names[i]));
		result = DB_NEWER;
	}
	rocksdb_list_column_families_destroy(names, count);
	return result;
}

static enum db_result
open_refused(const char *dir, char *error)
{
	bool busy = strstr(error, "LOCK") != NULL;

	(void)tell(busy ? "store is in use by another process"
			: "store cannot be opened",
	    dir, error);
	return busy ? DB_BUSY : DB_FAILED;
}

static enum db_result
open_families(struct db *db, const char *dir, bool read_only, bool there[])
{
	const char *names[FAMILIES];
	const rocksdb_options_t *options[FAMILIES];
	rocksdb_column_family_handle_t *handles[FAMILIES];
	enum family ours[FAMILIES], f;
	int count = 0, i;
	char *error = NULL;

	for (f = 0; f < FAMILIES; f++) {
		/* An older store lacks some: writing makes them. */
		if (read_only && !there[f])
			continue;
		names[count] = family_kind(f)->name;
		options[count] =
		    db->merging[f] != NULL ? db->merging[f] : db->options;
		ours[count++] = f;
	}
	if (read_only)
		db->rocks =
		    rocksdb_open_for_read_only_column_families(db->options, dir,
			count, names, options, handles, 0, &error);
	else
		db->rocks = rocksdb_open_column_families(db->options, dir,
		    count, names, options, handles, &error);
	if (error != NULL)
		return open_refused(dir, error);
	for (i = 0; i < count; i++)
		db->families[ours[i]] = handles[i];
	return DB_OK;
}

static bool
has_store(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/CURRENT", dir);
	return access(path, F_OK) == 0;
}

enum db_result
db_open(struct db **out, const char *dir, bool read_only)
{
	bool there[FAMILIES] = { false };
	enum db_result result = DB_OK;
	struct db *db;

	*out = NULL;
	if (!has_store(dir) && read_only) {
		log_error("there is no store", log_str("dir", dir));
		return DB_FAILED;
	}
	if (!read_only && mkdir(dir, 0700) < 0 && errno != EEXIST) {
		log_error("store cannot be made", log_str("dir", dir),
		    log_str("why", strerror(errno)));
		return DB_FAILED;
	}
	db = db_new(read_only);
	if (has_store(dir))
		result = look(db, dir, there);
	if (result == DB_OK)
		result = open_families(db, dir, read_only, there);
	if (result == DB_OK)
		result = format_check(db, dir, read_only);
	if (result != DB_OK) {
		db_close(db);
		return result;
	}
	*out = db;
	return DB_OK;
}

struct db_batch *
db_batch_new(void)
{
	struct db_batch *b = xmalloc(sizeof(*b));

	b->rocks = rocksdb_writebatch_create();
	/* Who writes has no comparisons of keys counted, which cost. */
	rocksdb_set_perf_level(rocksdb_disable);
	return b;
}

void
db_batch_free(struct db_batch *b)
{
	if (b == NULL)
		return;
	rocksdb_writebatch_destroy(b->rocks);
	free(b);
}

void
db_batch_put(struct db_batch *b, struct db *db, enum family f, struct slice key,
    struct slice value)
{
	rocksdb_writebatch_put_cf(b->rocks, db->families[f], key.ptr, key.len,
	    value.ptr, value.len);
}

void
db_batch_merge(struct db_batch *b, struct db *db, enum family f,
    struct slice key, struct slice value)
{
	assert(family_kind(f)->merge != NULL);
	rocksdb_writebatch_merge_cf(b->rocks, db->families[f], key.ptr, key.len,
	    value.ptr, value.len);
}

void
db_batch_delete(struct db_batch *b, struct db *db, enum family f,
    struct slice key)
{
	if (family_kind(f)->once)
		rocksdb_writebatch_singledelete_cf(b->rocks, db->families[f],
		    key.ptr, key.len);
	else
		rocksdb_writebatch_delete_cf(b->rocks, db->families[f], key.ptr,
		    key.len);
}

void
db_batch_delete_range(struct db_batch *b, struct db *db, enum family f,
    struct slice from, struct slice to)
{
	assert(!family_kind(f)->once); /* RocksDB forbids mixing the two */
	rocksdb_writebatch_delete_range_cf(b->rocks, db->families[f], from.ptr,
	    from.len, to.ptr, to.len);
}

size_t
db_batch_count(const struct db_batch *b)
{
	return (size_t)rocksdb_writebatch_count(b->rocks);
}

size_t
db_batch_bytes(const struct db_batch *b)
{
	size_t bytes;

	(void)rocksdb_writebatch_data(b->rocks, &bytes);
	return bytes;
}

void
db_batch_clear(struct db_batch *b)
{
	rocksdb_writebatch_clear(b->rocks);
}

enum db_result
db_write(struct db *db, struct db_batch *b, bool patient)
{
	char *error = NULL;

	rocksdb_write(db->rocks, patient ? db->patient : db->impatient,
	    b->rocks, &error);
	return judge_write(db, error);
}

enum db_result
db_sync(struct db *db)
{
	char *error = NULL;

	/*
	 * Debian's RocksDB asserts that a log which failed is not synced.  A
	 * write that succeeds again goes to a new log, after a flush.
	 */
	if (fault_is_failing(&db->fault))
		return DB_FAILED;
	rocksdb_flush_wal(db->rocks, 1, &error);
	return judge(db, "store cannot be synced", error);
}

void
db_veil(struct db *db, const struct db_veil *veil)
{
	db->veil = *veil;
}

static bool
is_hidden(const struct db *db, enum family f, struct slice key)
{
	return db->veil.hides != NULL && db->veil.hides(db->veil.arg, f, key);
}

bool
db_get(struct db *db, enum family f, struct slice key, struct buf *out)
{
	rocksdb_pinnableslice_t *found;
	const char *value;
	char *error = NULL;
	size_t len;

	buf_reset(out);
	if (db->families[f] == NULL || is_hidden(db, f, key))
		return false;
	found = rocksdb_get_pinned_cf(db->rocks, db->read, db->families[f],
	    key.ptr, key.len, &error);
	if (error != NULL) {
		fault_tell(&db->fault, "store cannot be read", error);
		rocksdb_free(error);
		return false;
	}
	if (found == NULL)
		return false;
	value = rocksdb_pinnableslice_value(found, &len);
	buf_put(out, value, len);
	rocksdb_pinnableslice_destroy(found);
	return !out->failed;
}

enum db_result
db_put_now(struct db *db, enum family f, struct slice key, struct slice value)
{
	char *error = NULL;

	rocksdb_put_cf(db->rocks, db->synced, db->families[f], key.ptr, key.len,
	    value.ptr, value.len, &error);
	return judge_write(db, error);
}

enum db_result
db_delete_now(struct db *db, enum family f, struct slice key)
{
	struct db_batch *b = db_batch_new();
	char *error = NULL;

	db_batch_delete(b, db, f, key);
	rocksdb_write(db->rocks, db->synced, b->rocks, &error);
	db_batch_free(b);
	return judge_write(db, error);
}

static char *
copy_bound(struct slice bound)
{
	return bound.len > 0 ? xstrndup(bound.ptr, bound.len) : NULL;
}

static struct db_scan *
open_scan(struct db *db, enum family f, struct slice from, struct slice to)
{
	struct db_scan *s = xcalloc(1, sizeof(*s));

	s->db = db;
	s->family = f;
	s->from = copy_bound(from);
	s->to = copy_bound(to);
	if (db->families[f] == NULL)
		return s; /* an older store: nothing there */
	s->options = rocksdb_readoptions_create();
	rocksdb_readoptions_set_fill_cache(s->options, 0);
	if (s->from != NULL)
		rocksdb_readoptions_set_iterate_lower_bound(s->options, s->from,
		    from.len);
	if (s->to != NULL)
		rocksdb_readoptions_set_iterate_upper_bound(s->options, s->to,
		    to.len);
	s->rocks =
	    rocksdb_create_iterator_cf(db->rocks, s->options, db->families[f]);
	return s;
}

struct db_scan *
db_scan_bare(struct db *db, enum family f, struct slice from, struct slice to)
{
	struct db_scan *s = open_scan(db, f, from, to);

	s->bare = true;
	return s;
}

static bool
is_before(struct slice a, struct slice b)
{
	int order = memcmp(a.ptr, b.ptr, min_size(a.len, b.len));

	return order < 0 || (order == 0 && a.len < b.len);
}

struct db_scan *
db_scan_new(struct db *db, enum family f, struct slice from, struct slice to,
    bool backwards)
{
	struct slice first = { NULL, 0 };
	char room[DB_FIRST_MAX];
	struct db_scan *s;

	if (db->veil.first != NULL)
		first = db->veil.first(db->veil.arg, f, room);
	if (first.len > 0 && (from.len == 0 || is_before(from, first)))
		from = first;
	s = open_scan(db, f, from, to);
	s->backwards = backwards;
	return s;
}

static void
advance(struct db_scan *s)
{
	if (!s->begun && s->backwards)
		rocksdb_iter_seek_to_last(s->rocks);
	else if (!s->begun)
		rocksdb_iter_seek_to_first(s->rocks);
	else if (s->backwards)
		rocksdb_iter_prev(s->rocks);
	else
		rocksdb_iter_next(s->rocks);
	s->begun = true;
}

/* To the next that is shown: false when there is none. */
static bool
seek_shown(struct db_scan *s, struct slice *key)
{
	do {
		if (!s->begun || rocksdb_iter_valid(s->rocks))
			advance(s);
		if (!rocksdb_iter_valid(s->rocks))
			return false;
		key->ptr = rocksdb_iter_key(s->rocks, &key->len);
	} while (!s->bare && is_hidden(s->db, s->family, *key));
	return true;
}

bool
db_scan_next(struct db_scan *s, struct slice *key, struct slice *value)
{
	char *error = NULL;

	if (s->rocks == NULL)
		return false;
	if (seek_shown(s, key)) {
		value->ptr = rocksdb_iter_value(s->rocks, &value->len);
		return true;
	}
	rocksdb_iter_get_error(s->rocks, &error);
	if (error != NULL) {
		log_error("store cannot be read", log_str("why", error));
		rocksdb_free(error);
		s->failed = true;
	}
	return false;
}

bool
db_scan_failed(const struct db_scan *s)
{
	return s->failed;
}

void
db_scan_free(struct db_scan *s)
{
	if (s == NULL)
		return;
	if (s->rocks != NULL) {
		rocksdb_iter_destroy(s->rocks);
		rocksdb_readoptions_destroy(s->options);
	}
	free(s->from);
	free(s->to);
	free(s);
}

struct db_size
db_size(struct db *db, enum family f, struct slice from, struct slice to)
{
	static const char last[] = "\xff\xff\xff\xff\xff\xff\xff\xff\xff";
	const char *begin = from.len > 0 ? from.ptr : "";
	const char *end = to.len > 0 ? to.ptr : last;
	size_t end_len = to.len > 0 ? to.len : sizeof(last) - 1;
	struct db_size size = { 0, 0 };
	uint64_t number = 0;
	char *error = NULL;

	if (db->families[f] == NULL)
		return size;
	if (rocksdb_property_int_cf(db->rocks, db->families[f],
		"rocksdb.estimate-num-keys", &number) == 0)
		size.entries = (int64_t)number;
	number = 0;
	rocksdb_approximate_sizes_cf(db->rocks, db->families[f], 1, &begin,
	    &from.len, &end, &end_len, &number, &error);
	if (error != NULL)
		rocksdb_free(error);
	else
		size.bytes = (int64_t)number;
	return size;
}

/* A log goes when all that it has is in files, of whichever family. */
static bool
flush_all(struct db *db)
{
	rocksdb_flushoptions_t *options = rocksdb_flushoptions_create();
	char *error = NULL;
	int f;

	rocksdb_flushoptions_set_wait(options, 1);
	for (f = 0; f < FAMILIES && error == NULL; f++)
		rocksdb_flush_cf(db->rocks, options, db->families[f], &error);
	rocksdb_flushoptions_destroy(options);
	return judge(db, "store cannot be flushed", error) == DB_OK;
}

bool
db_compact(struct db *db, enum family f, struct slice from, struct slice to)
{
	rocksdb_compactoptions_t *options;

	if (!flush_all(db))
		return false;
	options = rocksdb_compactoptions_create();
	/* Beside the library's own, and also of what lies at the bottom. */
	rocksdb_compactoptions_set_exclusive_manual_compaction(options, 0);
	rocksdb_compactoptions_set_bottommost_level_compaction(options,
	    BOTTOM_TOO);
	rocksdb_compact_range_cf_opt(db->rocks, db->families[f], options,
	    from.ptr, from.len, to.ptr, to.len);
	rocksdb_compactoptions_destroy(options);
	return !atomic_load(&db->halted);
}

bool
db_checkpoint(struct db *db, const char *dir)
{
	char *error = NULL;
	rocksdb_checkpoint_t *checkpoint =
	    rocksdb_checkpoint_object_create(db->rocks, &error);

	if (error == NULL) {
		rocksdb_checkpoint_create(checkpoint, dir, 0, &error);
		rocksdb_checkpoint_object_destroy(checkpoint);
	}
	/* The store itself is well: the other disk may be full. */
	return !tell("store cannot be copied", dir, error);
}

void
db_halt(struct db *db)
{
	atomic_store(&db->halted, true);
	rocksdb_disable_manual_compaction(db->rocks);
}
