#include "tests/unit/store/fixture.h"

#include <pthread.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "node/archive.h"

#define START   (INT64_C(1790000000) * US_PER_SECOND)
#define HOUR_US (INT64_C(3600) * US_PER_SECOND)
#define PLENTY  (1 << 30)
#define CANARY  "the canary sings at midnight"

struct scene {
	struct fixture store;
	struct secret *identity;
	struct archive *archive;
	struct arena arena;
};

static int
setup(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	fixture_new(&s->store);
	s->identity = sign_key_new();
	s->archive = archive_open(s->store.ledger, s->identity);
	arena_init(&s->arena, 64 << 20);
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	arena_fini(&s->arena);
	archive_close(s->archive);
	secret_free(s->identity);
	fixture_free(&s->store);
	free(s);
	return 0;
}

static void
restart(struct scene *s)
{
	archive_close(s->archive);
	fixture_close(&s->store);
	fixture_open(&s->store, false);
	s->archive = archive_open(s->store.ledger, s->identity);
}

static struct archive_owner
owner_of(struct scene *s, const char *caller, const char *group)
{
	return archive_owner(s->archive, slice_of(caller), slice_of(group));
}

struct thing {
	const char *caller, *group, *id, *text;
	int64_t now_us, ttl_us, max_bytes;
};

/* Put and written. */
static bool
put(struct scene *s, struct thing t)
{
	struct archive_owner owner = owner_of(s, t.caller, t.group);
	const struct archive_name name = { 'r', slice_of(t.id) };
	const struct archive_record r = {
		.owner = &owner,
		.bytes = slice_of(t.text),
		.names = &name,
		.names_count = 1,
		.now_us = t.now_us,
		.ends_us = t.now_us + t.ttl_us,
		.group_max_bytes = t.max_bytes,
	};
	bool kept = archive_put(s->archive, s->store.turn, &r);

	fixture_turn(&s->store);
	return kept;
}

static struct slice
get_of(struct scene *s, struct archive_owner owner, struct archive_name name,
    int64_t now_us)
{
	struct slice bytes = { NULL, 0 };
	struct shelf_key key;

	if (!archive_find(s->archive, &owner, name, now_us, &key) ||
	    archive_read(s->archive, &owner, &key, &s->arena, &bytes) !=
		ARCHIVE_READ)
		return slice_of("none");
	return bytes;
}

static bool
has(struct scene *s, struct thing t)
{
	return slice_is(get_of(s, owner_of(s, t.caller, t.group),
			    (struct archive_name){ 'r', slice_of(t.id) },
			    t.now_us),
	    t.text);
}

static const struct thing sample = { "ann", "coding", "resp_1", CANARY, START,
	HOUR_US, PLENTY };

static void
only_its_owner_finds_it(void **state)
{
	struct scene *s = *state;
	struct thing other = sample;
	struct archive_name kind = { 'i', slice_of("resp_1") };

	assert_true(put(s, sample));
	assert_true(has(s, sample));
	restart(s);
	assert_true(has(s, sample));
	assert_true(
	    slice_is(get_of(s, owner_of(s, "ann", "coding"), kind, START),
		"none"));
	other.caller = "bob";
	assert_false(has(s, other));
	other = sample;
	other.group = "chat";
	assert_false(has(s, other));
	other = sample;
	other.id = "resp_2";
	assert_false(has(s, other));
	/* Callers and groups that read the same when put together. */
	assert_true(
	    slice_is(get_of(s, owner_of(s, "nn", "codinga"),
			 (struct archive_name){ 'r', slice_of("resp_1") },
			 START),
		"none"));
}

static void
a_name_goes_to_the_last_record(void **state)
{
	struct scene *s = *state;
	struct thing again = sample;

	again.text = "new";
	again.now_us += 1000;
	assert_true(put(s, sample));
	assert_true(put(s, again));
	assert_true(has(s, again));
	/* The old one's end does not touch the new one. */
	archive_sweep(s->archive, START + HOUR_US);
	assert_true(has(s, again));
	archive_sweep(s->archive, START + HOUR_US + 1000);
	assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 0);
}

static void
what_ended_is_not_found_and_swept(void **state)
{
	struct scene *s = *state;
	struct thing later = sample;

	assert_true(put(s, sample));
	assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 3);
	later.now_us = START + HOUR_US - 1;
	assert_true(has(s, later));
	archive_sweep(s->archive, later.now_us);
	assert_true(has(s, later));
	later.now_us++;
	assert_false(has(s, later));
	restart(s);
	archive_sweep(s->archive, later.now_us);
	assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 0);
}

/* Bytes of a group's records by the rows that count them. */
static int64_t
counted(struct scene *s)
{
	static const char from[] = { SHELF_SIZE }, to[] = { SHELF_SIZE + 1 };
	struct db_scan *scan = db_scan_new(ledger_db(s->store.ledger),
	    FAMILY_CONTENT, slice_make(from, 1), slice_make(to, 1), false);
	struct slice key, value;
	int64_t sum = 0;

	while (db_scan_next(scan, &key, &value)) {
		assert_int_equal(value.len, 2); /* below 256: one byte more */
		sum += (uint8_t)value.ptr[1];
	}
	db_scan_free(scan);
	return sum;
}

static void
the_group_s_bytes_have_a_maximum(void **state)
{
	struct scene *s = *state;
	struct thing t = sample;
	char id[32];
	int i;

	t.max_bytes = 1000;
	t.id = id;
	for (i = 0; i < 50; i++) {
		snprintf(id, sizeof(id), "resp_%d", i);
		t.now_us++;
		assert_true(put(s, t));
		assert_true(has(s, t));
		assert_true(counted(s) <= t.max_bytes);
		if (i == 25)
			restart(s);
	}
	assert_true(counted(s) > t.max_bytes / 2);
	snprintf(id, sizeof(id), "resp_%d", 48);
	assert_true(has(s, t));
	snprintf(id, sizeof(id), "resp_%d", 40);
	assert_false(has(s, t));
	/* Another group's are its own. */
	t.group = "chat";
	assert_true(put(s, t));
	assert_true(has(s, t));
	t.group = "coding";
	snprintf(id, sizeof(id), "resp_%d", 49);
	assert_true(has(s, t));
	/* Names of what had to go are swept. */
	archive_sweep(s->archive, t.now_us);
	assert_true(fixture_count(&s->store, FAMILY_CONTENT) <= 3 * 7);
	assert_true(has(s, t));
}

static void
a_lower_maximum_is_kept_to(void **state)
{
	struct scene *s = *state;
	struct thing t = sample;
	char id[32];
	int i;

	t.id = id;
	for (i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "resp_%d", i);
		t.now_us++;
		assert_true(put(s, t));
	}
	/* Too much to let go in one call: what comes is left out until then. */
	t.max_bytes = 1000;
	for (i = 0; !put(s, t); i++)
		assert_in_range(i, 0, 3);
	assert_int_equal(i, 3);
	assert_true(counted(s) <= 1000);
	assert_true(has(s, t));
}

static void
what_is_too_large_is_left_out(void **state)
{
	struct scene *s = *state;
	struct thing t = sample;
	char *big = malloc(ARCHIVE_RECORD_MAX + 2);

	t.max_bytes = 100;
	assert_false(put(s, t));
	memset(big, 'x', ARCHIVE_RECORD_MAX + 1);
	big[ARCHIVE_RECORD_MAX + 1] = '\0';
	t.max_bytes = PLENTY;
	t.text = big;
	assert_false(put(s, t));
	assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 0);
	big[ARCHIVE_RECORD_MAX] = '\0';
	assert_true(put(s, t));
	assert_true(has(s, t));
	free(big);
}

/* One turn may not put more than the store could have to keep. */
static void
a_turn_s_puts_are_bounded(void **state)
{
	struct scene *s = *state;
	struct archive_owner owner = owner_of(s, "ann", "coding");
	char *big = calloc(1, ARCHIVE_RECORD_MAX);
	const struct archive_record r = {
		.owner = &owner,
		.bytes = slice_make(big, ARCHIVE_RECORD_MAX),
		.now_us = START,
		.ends_us = START + HOUR_US,
		.group_max_bytes = PLENTY,
	};

	assert_true(archive_put(s->archive, s->store.turn, &r));
	assert_false(archive_put(s->archive, s->store.turn, &r));
	fixture_turn(&s->store);
	assert_true(archive_put(s->archive, s->store.turn, &r));
	fixture_turn(&s->store);
	free(big);
}

static void
no_arena_is_overrun(void **state)
{
	struct scene *s = *state;
	struct archive_owner owner = owner_of(s, "ann", "coding");
	struct shelf_key key;
	struct arena small;
	struct slice bytes;

	assert_true(put(s, sample));
	assert_true(archive_find(s->archive, &owner,
	    (struct archive_name){ 'r', slice_of("resp_1") }, START, &key));
	arena_init(&small, 64);
	assert_int_equal(archive_read(s->archive, &owner, &key, &small, &bytes),
	    ARCHIVE_TOO_LARGE);
	arena_fini(&small);
}

struct worker {
	struct scene *scene;
	char caller;
};

/* With its own loop and turn; all share a group that is always full. */
static void *
work(void *arg)
{
	struct worker *w = arg;
	struct scene own = { .store = { .ledger = w->scene->store.ledger },
		.archive = w->scene->archive };
	const char caller[] = { w->caller, '\0' };
	char id[32];
	struct thing t = { caller, "coding", id, CANARY, START, HOUR_US, 2000 };
	int i;

	own.store.loop = loop_new("worker");
	own.store.turn = ledger_turn_new(own.store.ledger, own.store.loop);
	loop_stop(own.store.loop);
	arena_init(&own.arena, 1 << 20);
	for (i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "resp_%d", i);
		t.now_us++;
		(void)put(&own, t);
		(void)has(&own, t);
	}
	arena_fini(&own.arena);
	ledger_turn_free(own.store.turn);
	loop_free(own.store.loop);
	return NULL;
}

static void
workers_keep_to_the_maximum_together(void **state)
{
	struct scene *s = *state;
	struct worker workers[] = { { s, 'a' }, { s, 'b' }, { s, 'c' } };
	pthread_t threads[count_of(workers)];
	size_t i;

	for (i = 0; i < count_of(workers); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work,
				     &workers[i]),
		    0);
	for (i = 0; i < 20; i++)
		archive_sweep(s->archive, START);
	for (i = 0; i < count_of(workers); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_in_range(counted(s), 1000, 2000);
}

/* Change one byte of each row in turn. */
static void
a_changed_byte_is_never_given_out(void **state)
{
	struct scene *s = *state;
	struct db *db = ledger_db(s->store.ledger);
	struct slice none = { NULL, 0 }, key, value;
	uint8_t k[3][64], v[3][256];
	size_t k_len[3], v_len[3], n = 0, i, at;
	struct db_scan *scan;

	assert_true(put(s, sample));
	scan = db_scan_new(db, FAMILY_CONTENT, none, none, false);
	for (; db_scan_next(scan, &key, &value); n++) {
		assert_true(key.len <= 64 && value.len <= 256);
		memcpy(k[n], key.ptr, k_len[n] = key.len);
		memcpy(v[n], value.ptr, v_len[n] = value.len);
	}
	db_scan_free(scan);
	assert_int_equal(n, 3);
	for (i = 0; i < 3; i++) {
		if (k[i][0] == SHELF_SIZE)
			continue;
		for (at = 0; at < v_len[i]; at++) {
			v[i][at] ^= 0x10;
			assert_int_equal(db_put_now(db, FAMILY_CONTENT,
					     slice_make(k[i], k_len[i]),
					     slice_make(v[i], v_len[i])),
			    DB_OK);
			assert_false(has(s, sample));
			v[i][at] ^= 0x10;
		}
		assert_int_equal(db_put_now(db, FAMILY_CONTENT,
				     slice_make(k[i], k_len[i]),
				     slice_make(v[i], v_len[i])),
		    DB_OK);
		assert_true(has(s, sample));
	}
}

/* Its size is lost, not its end. */
static void
a_damaged_size_goes_with_its_record(void **state)
{
	static const char from[] = { SHELF_SIZE }, to[] = { SHELF_SIZE + 1 };
	static const char *const sizes[] = { "", "x", "\xff", "\xc4",
		"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff" };
	struct scene *s = *state;
	struct db *db;
	struct slice key, value;
	struct db_scan *scan;
	struct thing t = sample;
	uint8_t k[SHELF_ROW];
	size_t i;

	for (i = 0; i < count_of(sizes); i++) {
		assert_true(put(s, sample));
		db = ledger_db(s->store.ledger);
		scan = db_scan_new(db, FAMILY_CONTENT, slice_make(from, 1),
		    slice_make(to, 1), false);
		assert_true(db_scan_next(scan, &key, &value));
		assert_int_equal(key.len, sizeof(k));
		memcpy(k, key.ptr, sizeof(k));
		db_scan_free(scan);
		assert_int_equal(db_put_now(db, FAMILY_CONTENT,
				     slice_make(k, sizeof(k)),
				     slice_of(sizes[i])),
		    DB_OK);
		restart(s);
		assert_true(has(s, sample));
		t.max_bytes = 300;
		assert_true(put(s, t));
		archive_sweep(s->archive, START + HOUR_US);
		assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 0);
	}
}

static void
nothing_readable_is_in_the_store(void **state)
{
	static const char *const words[] = { "canary", "resp_1", "coding",
		"ann_the_caller" };
	struct scene *s = *state;
	struct thing t = sample;
	char command[256];
	size_t i;

	t.caller = "ann_the_caller";
	assert_true(put(s, t));
	assert_true(has(s, t));
	assert_int_equal(db_put_now(ledger_db(s->store.ledger), FAMILY_META,
			     slice_of("k"), slice_of("readable")),
	    DB_OK);
	for (i = 0; i < 2 * count_of(words); i++) {
		snprintf(command, sizeof(command), "grep -rqa %s %s",
		    words[i / 2], s->store.dir);
		assert_int_not_equal(system(command), 0);
		snprintf(command, sizeof(command), "grep -rqa readable %s",
		    s->store.dir);
		assert_int_equal(system(command), 0);
		/* In the log at first, then in a table. */
		restart(s);
	}
	assert_true(has(s, t));
}

static void
another_identity_reads_nothing(void **state)
{
	struct scene *s = *state;

	assert_true(put(s, sample));
	secret_free(s->identity);
	s->identity = sign_key_new();
	restart(s);
	assert_false(has(s, sample));
	archive_sweep(s->archive, START + HOUR_US);
	assert_int_equal(fixture_count(&s->store, FAMILY_CONTENT), 0);
}

int
main(void)
{
#define WITH_SCENE(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_SCENE(only_its_owner_finds_it),
		WITH_SCENE(a_name_goes_to_the_last_record),
		WITH_SCENE(what_ended_is_not_found_and_swept),
		WITH_SCENE(the_group_s_bytes_have_a_maximum),
		WITH_SCENE(a_lower_maximum_is_kept_to),
		WITH_SCENE(what_is_too_large_is_left_out),
		WITH_SCENE(a_turn_s_puts_are_bounded),
		WITH_SCENE(no_arena_is_overrun),
		WITH_SCENE(workers_keep_to_the_maximum_together),
		WITH_SCENE(a_changed_byte_is_never_given_out),
		WITH_SCENE(a_damaged_size_goes_with_its_record),
		WITH_SCENE(nothing_readable_is_in_the_store),
		WITH_SCENE(another_identity_reads_nothing),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
