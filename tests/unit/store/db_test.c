#include "tests/unit/store/fixture.h"

#include <rocksdb/c.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/base/memory.h"

static struct slice
text(const char *t)
{
	return slice_of(t);
}

static const struct slice none = { NULL, 0 };

/*
 * A disk that fails in a way that is not "full" ends the process: here the
 * file size limit plays the broken disk.  First, before there are threads.
 */
static void
test_a_failing_disk_is_fatal(void **state)
{
	const struct rlimit limit = { 4096, 4096 };
	char dir[64];
	int status;
	pid_t child;

	(void)state;
	folder_new(dir);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct db_batch *b = db_batch_new();
		char *bytes = xcalloc(1, 100000);
		struct db *db;

		if (db_open(&db, dir, false) != DB_OK)
			_exit(1);
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		db_batch_put(b, db, FAMILY_EVENT, text("k"),
		    slice_make(bytes, 100000));
		(void)db_write(db, b, false);
		_exit(2);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	folder_free(dir);
}

static void
put(struct db *db, enum family f, const char *key, const char *value)
{
	struct db_batch *b = db_batch_new();

	db_batch_put(b, db, f, text(key), text(value));
	assert_int_equal(db_batch_count(b), 1);
	assert_true(db_batch_bytes(b) > 0);
	assert_int_equal(db_write(db, b, false), DB_OK);
	db_batch_free(b);
}

static bool
has(struct db *db, enum family f, const char *key, const char *value)
{
	struct buf out;
	bool same;

	buf_init(&out, 1024);
	same =
	    db_get(db, f, text(key), &out) && slice_is(buf_slice(&out), value);
	buf_fini(&out);
	return same;
}

static void
test_written_is_read_and_survives(void **state)
{
	char dir[64];
	struct db *db;
	int f;

	(void)state;
	folder_new(dir);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	for (f = 0; f < FAMILIES; f++)
		put(db, (enum family)f, "k", "v");
	assert_int_equal(db_sync(db), DB_OK);
	db_close(db);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	for (f = 0; f < FAMILIES; f++)
		assert_true(has(db, (enum family)f, "k", "v"));
	assert_false(has(db, FAMILY_TOKEN, "other", "v"));
	db_close(db);
	folder_free(dir);
}

static void
test_a_batch_is_atomic_and_in_order(void **state)
{
	struct db_batch *b = db_batch_new();
	char dir[64];
	struct db *db;

	(void)state;
	folder_new(dir);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	db_batch_put(b, db, FAMILY_INTENT, text("i"), text("1"));
	db_batch_put(b, db, FAMILY_REQUEST, text("r"), text("1"));
	db_batch_delete(b, db, FAMILY_INTENT, text("i"));
	db_batch_put(b, db, FAMILY_REQUEST, text("r"), text("2"));
	assert_int_equal(db_write(db, b, true), DB_OK);
	assert_false(has(db, FAMILY_INTENT, "i", "1"));
	assert_true(has(db, FAMILY_REQUEST, "r", "2"));
	db_batch_clear(b);
	assert_int_equal(db_batch_count(b), 0);
	db_batch_delete_range(b, db, FAMILY_REQUEST, text("a"), text("z"));
	assert_int_equal(db_write(db, b, true), DB_OK);
	assert_false(has(db, FAMILY_REQUEST, "r", "2"));
	db_batch_free(b);
	db_close(db);
	folder_free(dir);
}

static void
assert_scan(struct db *db, struct slice from, struct slice to, bool backwards,
    const char *expected)
{
	struct db_scan *s = db_scan_new(db, FAMILY_EVENT, from, to, backwards);
	struct slice key, value;
	struct buf seen;

	buf_init(&seen, 1024);
	while (db_scan_next(s, &key, &value))
		buf_put_slice(&seen, key);
	/* The end stays the end. */
	assert_false(db_scan_next(s, &key, &value));
	assert_false(db_scan_failed(s));
	assert_string_equal(buf_text(&seen), expected);
	buf_fini(&seen);
	db_scan_free(s);
}

static void
test_scans_keep_their_bounds(void **state)
{
	char dir[64];
	struct db *db;

	(void)state;
	folder_new(dir);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	assert_scan(db, none, none, false, "");
	assert_scan(db, none, none, true, "");
	put(db, FAMILY_EVENT, "c", "3");
	put(db, FAMILY_EVENT, "a", "1");
	put(db, FAMILY_EVENT, "d", "4");
	put(db, FAMILY_EVENT, "b", "2");
	assert_scan(db, none, none, false, "abcd");
	assert_scan(db, none, none, true, "dcba");
	assert_scan(db, text("b"), text("d"), false, "bc");
	assert_scan(db, text("b"), text("d"), true, "cb");
	assert_scan(db, text("bb"), none, true, "dc");
	assert_scan(db, none, text("c"), true, "ba");
	assert_scan(db, text("e"), none, false, "");
	assert_scan(db, none, text("a"), true, "");
	db_close(db);
	folder_free(dir);
}

static void
test_one_writer_many_readers(void **state)
{
	struct db *db, *other;
	char dir[64];

	(void)state;
	folder_new(dir);
	/* Nothing to read there, and reading makes nothing. */
	assert_int_equal(db_open(&other, dir, true), DB_FAILED);
	assert_null(other);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	put(db, FAMILY_EVENT, "k", "v");
	assert_int_equal(db_open(&other, dir, false), DB_BUSY);
	assert_null(other);
	assert_int_equal(db_open(&other, dir, true), DB_OK);
	assert_true(has(other, FAMILY_EVENT, "k", "v"));
	assert_int_equal(db_put_now(other, FAMILY_EVENT, text("k"), text("w")),
	    DB_FAILED);
	db_close(other);
	db_close(db);
	folder_free(dir);
}

static void
assert_format(const char *dir, const char *format, enum db_result expected)
{
	struct db *db;

	assert_int_equal(db_open(&db, dir, false), DB_OK);
	assert_true(has(db, FAMILY_META, "format", "1"));
	assert_int_equal(db_put_now(db, FAMILY_META, text("format"),
			     text(format)),
	    DB_OK);
	db_close(db);
	assert_int_equal(db_open(&db, dir, false), expected);
	assert_null(db);
	assert_int_equal(db_open(&db, dir, true), expected);
	assert_null(db);
}

static void
test_other_formats_are_refused(void **state)
{
	char dir[64];

	(void)state;
	folder_new(dir);
	assert_format(dir, "2", DB_NEWER);
	folder_free(dir);
	folder_new(dir);
	assert_format(dir, "what", DB_FAILED);
	folder_free(dir);
}

/* Make of the store in `dir` one of a version that knew fewer families. */
static void
drop_families(const char *dir, const char *const *names, size_t count)
{
	rocksdb_options_t *options = rocksdb_options_create();
	const rocksdb_options_t *each[FAMILIES];
	rocksdb_column_family_handle_t *handles[FAMILIES];
	char *error = NULL, **there;
	size_t n, i, k;
	rocksdb_t *rocks;

	there = rocksdb_list_column_families(options, dir, &n, &error);
	assert_int_equal(n, FAMILIES);
	for (i = 0; i < n; i++)
		each[i] = options;
	rocks = rocksdb_open_column_families(options, dir, (int)n,
	    (const char *const *)there, each, handles, &error);
	assert_null(error);
	for (i = 0; i < n; i++) {
		for (k = 0; k < count; k++)
			if (strcmp(there[i], names[k]) == 0)
				rocksdb_drop_column_family(rocks, handles[i],
				    &error);
		assert_null(error);
		rocksdb_column_family_handle_destroy(handles[i]);
	}
	rocksdb_close(rocks);
	rocksdb_list_column_families_destroy(there, n);
	rocksdb_options_destroy(options);
}

static void
test_an_older_store_gains_families(void **state)
{
	static const char *const newer[] = { "maker", "content", "decision" };
	char dir[64];
	struct db *db;

	(void)state;
	folder_new(dir);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	put(db, FAMILY_TOKEN, "k", "v");
	put(db, FAMILY_MAKER, "k", "v");
	db_close(db);
	drop_families(dir, newer, count_of(newer));
	/* A reader does without them. */
	assert_int_equal(db_open(&db, dir, true), DB_OK);
	assert_true(has(db, FAMILY_TOKEN, "k", "v"));
	assert_false(has(db, FAMILY_MAKER, "k", "v"));
	db_close(db);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	assert_true(has(db, FAMILY_TOKEN, "k", "v"));
	assert_false(has(db, FAMILY_MAKER, "k", "v"));
	put(db, FAMILY_MAKER, "k", "w");
	put(db, FAMILY_CONTENT, "k", "w");
	put(db, FAMILY_DECISION, "k", "w");
	assert_true(has(db, FAMILY_DECISION, "k", "w"));
	assert_true(has(db, FAMILY_MAKER, "k", "w"));
	assert_true(has(db, FAMILY_CONTENT, "k", "w"));
	db_close(db);
	folder_free(dir);
}

static void
test_rare_things_at_once(void **state)
{
	char dir[64];
	struct db *db;

	(void)state;
	folder_new(dir);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	assert_int_equal(db_put_now(db, FAMILY_TOKEN, text("t"), text("1")),
	    DB_OK);
	assert_true(has(db, FAMILY_TOKEN, "t", "1"));
	assert_int_equal(db_delete_now(db, FAMILY_TOKEN, text("t")), DB_OK);
	assert_false(has(db, FAMILY_TOKEN, "t", "1"));
	db_close(db);
	folder_free(dir);
}

/* The tail of the log is cut, as after a power loss: a prefix comes back. */
static void
test_a_torn_log_gives_a_prefix(void **state)
{
	char dir[64], key[16], command[512];
	struct db *db;
	bool before = true;
	int i, found = 0;

	(void)state;
	folder_new(dir);
	assert_int_equal(db_open(&db, dir, false), DB_OK);
	for (i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%03d", i);
		put(db, FAMILY_EVENT, key, "v");
	}
	snprintf(command, sizeof(command),
	    "mkdir %s/copy && cp %s/[A-Z]* %s/*.* %s/copy && cd %s/copy && "
	    "for f in *.log; do truncate -s -100 $f || true; done",
	    dir, dir, dir, dir, dir);
	assert_int_equal(system(command), 0);
	db_close(db);
	snprintf(command, sizeof(command), "%s/copy", dir);
	assert_int_equal(db_open(&db, command, false), DB_OK);
	for (i = 0; i < 100; i++) {
		bool there;

		snprintf(key, sizeof(key), "%03d", i);
		there = has(db, FAMILY_EVENT, key, "v");
		assert_true(before || !there); /* no holes */
		before = there;
		found += there;
	}
	assert_in_range(found, 50, 99);
	db_close(db);
	folder_free(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_failing_disk_is_fatal),
		cmocka_unit_test(test_written_is_read_and_survives),
		cmocka_unit_test(test_a_batch_is_atomic_and_in_order),
		cmocka_unit_test(test_scans_keep_their_bounds),
		cmocka_unit_test(test_one_writer_many_readers),
		cmocka_unit_test(test_other_formats_are_refused),
		cmocka_unit_test(test_an_older_store_gains_families),
		cmocka_unit_test(test_rare_things_at_once),
		cmocka_unit_test(test_a_torn_log_gives_a_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
