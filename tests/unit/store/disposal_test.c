#include "tests/unit/store/fixture.h"

#include "common/base/clock.h"
#include "common/store/custody.h"
#include "common/store/disposal.h"
#include "common/store/search.h"

#define HOUR_US  ((int64_t)3600 * US_PER_SECOND)
#define DAY_US   (24 * HOUR_US)
#define DAY_MS   (DAY_US / US_PER_MS)
#define RECEIPTS 10

static void
limit(struct fixture *f, enum retention_class class, int64_t days)
{
	struct retention_terms t = custody_terms(ledger_custody(f->ledger));

	t.keep_ms[class] = days * DAY_MS;
	assert_true(custody_limit(ledger_custody(f->ledger), &t));
}

static void
hold(struct fixture *f, const char *name, struct retention_span span,
    unsigned classes)
{
	struct legal_hold h = { .at_us = 1, .keeps = { span, classes } };
	struct buf why;

	buf_init(&why, 1024);
	snprintf(h.name, sizeof(h.name), "%s", name);
	assert_true(custody_hold(ledger_custody(f->ledger), &h, &why));
	buf_fini(&why);
}

static struct disposal
dispose(struct fixture *f, bool dry, size_t entries)
{
	struct disposal d;
	size_t steps = 0;

	disposal_begin(&d, f->ledger, clock_wall_us(), dry);
	while (disposal_step(&d, entries))
		assert_in_range(steps++, 0, 100000);
	assert_false(d.failed);
	return d;
}

/* A settled request with an attempt, which came then. */
static struct id
put_request(struct fixture *f, int64_t at_us, const char *word)
{
	struct id id = id_next(&(struct id_source){ { { 0 } } }, at_us);
	struct request_row request = request_sample(id, "settled");
	struct attempt_row attempt = attempt_sample(id, 1, "settled");
	struct attempt_key key = attempt_key_make(&id, 1, slice_make(NULL, 0));

	request.received_at = attempt.started_at = at_us;
	/* Not the caller: what each came to outlives the rows. */
	request.client_id = slice_of(word);
	ledger_put_row(f->turn, ROW_REQUEST, &request,
	    slice_make(id.bytes, ID_BYTES));
	ledger_put_row(f->turn, ROW_ATTEMPT, &attempt, attempt_key_slice(&key));
	fixture_turn(f);
	return id;
}

static bool
is_shown(struct fixture *f, const struct id *id)
{
	struct request_row row;
	struct buf bytes;
	bool shown;

	buf_init(&bytes, ROW_BYTES_MAX);
	shown = ledger_request(f->ledger, id, &bytes, &row);
	buf_fini(&bytes);
	return shown;
}

/* Whatever hides it. */
static size_t
count_bare(struct fixture *f, enum family family)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan =
	    db_scan_bare(ledger_db(f->ledger), family, none, none);
	size_t count = 0;

	while (db_scan_next(scan, &key, &value))
		count++;
	db_scan_free(scan);
	return count;
}

static void
what_is_past_is_hidden_at_once_and_dropped_by_the_run(void **state)
{
	const int64_t now = clock_wall_us();
	struct fixture f;
	struct id old, young;
	const union search_row *row;
	struct search *search;
	struct wish wish;
	struct disposal d;
	struct buf out;

	(void)state;
	fixture_new(&f);
	old = put_request(&f, now - 10 * DAY_US - HOUR_US, "before");
	young = put_request(&f, now - 10 * DAY_US + HOUR_US, "after");
	assert_true(is_shown(&f, &old));
	limit(&f, RETENTION_USAGE, 10);
	assert_false(is_shown(&f, &old));
	assert_true(is_shown(&f, &young));
	assert_int_equal(count_bare(&f, FAMILY_REQUEST), 2);
	buf_init(&out, 1 << 16);
	wish_init(&wish, ROW_REQUEST);
	search = search_new(f.ledger, &wish);
	row = search_next(search, NULL);
	assert_non_null(row);
	assert_true(slice_is(row->request.client_id, "after"));
	assert_null(search_next(search, NULL));
	search_free(search);
	d = dispose(&f, true, 1000);
	assert_int_equal(d.classes[RETENTION_USAGE].rows, 2);
	assert_int_equal(count_bare(&f, FAMILY_REQUEST), 2);
	d = dispose(&f, false, 1000);
	assert_int_equal(d.classes[RETENTION_USAGE].rows, 2);
	assert_int_equal(d.classes[RETENTION_EVENTS].rows, 0);
	assert_int_equal(count_bare(&f, FAMILY_REQUEST), 1);
	assert_int_equal(count_bare(&f, FAMILY_ATTEMPT), 1);
	assert_true(is_shown(&f, &young));
	buf_reset(&out);
	disposal_write(&d, OUTPUT_JSON, &out);
	assert_non_null(strstr(buf_text(&out),
	    "{\"dry_run\":false,\"failed\":false,\"classes\":[{\"class\":"
	    "\"usage\",\"rows\":2,"));
	/* Longer again: what was dropped does not come back, and is known. */
	limit(&f, RETENTION_USAGE, 100);
	assert_false(is_shown(&f, &old));
	assert_true(custody_gone(ledger_custody(f.ledger), RETENTION_USAGE,
	    id_time_ms(&old)));
	assert_false(custody_gone(ledger_custody(f.ledger), RETENTION_USAGE,
	    id_time_ms(&young)));
	buf_fini(&out);
	fixture_free(&f);
}

/* Limits and holds stand in the store: a command without a daemon has them. */
static void
limits_and_holds_are_found_again(void **state)
{
	const int64_t now = clock_wall_us();
	struct legal_hold holds[LEGAL_HOLDS_MAX];
	struct fixture f;
	struct id old, held;
	struct buf why;

	(void)state;
	fixture_new(&f);
	old = put_request(&f, now - 20 * DAY_US, "old");
	held = put_request(&f, now - 30 * DAY_US, "held");
	limit(&f, RETENTION_USAGE, 10);
	hold(&f, "case-1",
	    (struct retention_span){ 0, now / US_PER_MS - 25 * DAY_MS },
	    LEGAL_HOLD_ALL);
	fixture_close(&f);
	fixture_open(&f, true);
	assert_false(is_shown(&f, &old));
	assert_true(is_shown(&f, &held));
	assert_int_equal(custody_holds(ledger_custody(f.ledger), holds), 1);
	assert_string_equal(holds[0].name, "case-1");
	fixture_close(&f);
	fixture_open(&f, false);
	dispose(&f, false, 10);
	assert_int_equal(count_bare(&f, FAMILY_REQUEST), 1);
	buf_init(&why, 1024);
	assert_false(
	    custody_let_go(ledger_custody(f.ledger), slice_of("case-2"), &why));
	assert_true(
	    custody_let_go(ledger_custody(f.ledger), slice_of("case-1"), &why));
	assert_false(is_shown(&f, &held));
	dispose(&f, false, 10);
	assert_int_equal(count_bare(&f, FAMILY_REQUEST), 0);
	buf_fini(&why);
	fixture_free(&f);
}

static bool
is_kept(struct fixture *f, const struct id *id)
{
	const struct slice key = slice_make(id->bytes, ID_BYTES);
	struct slice none = { NULL, 0 }, found, value;
	struct db_scan *scan =
	    db_scan_bare(ledger_db(f->ledger), FAMILY_REQUEST, key, none);
	bool kept;

	kept = db_scan_next(scan, &found, &value) && slice_eq(found, key);
	db_scan_free(scan);
	return kept;
}

/* Any rows, any holds, steps of any size. */
static void
a_held_row_is_never_dropped_and_a_past_one_always(void **state)
{
	enum { ROWS = 60, ROUNDS = 12 };
	const int64_t now = clock_wall_us();
	struct id ids[ROWS];
	int64_t age[ROWS];
	struct fixture f;
	int round, i;

	(void)state;
	srandom(11);
	for (round = 0; round < ROUNDS; round++) {
		struct retention_span spans[3];
		size_t shown;
		char name[16];

		fixture_new(&f);
		for (i = 0; i < ROWS; i++) {
			age[i] = 1 + random() % 40;
			ids[i] = put_request(&f,
			    now - age[i] * DAY_US - HOUR_US, "any");
		}
		for (i = 0; i < 3; i++) {
			int64_t from = random() % 40, to = from - random() % 9;

			spans[i] = (struct retention_span){ now / US_PER_MS -
								from * DAY_MS,
				now / US_PER_MS - to * DAY_MS };
			snprintf(name, sizeof(name), "h%d", i);
			hold(&f, name, spans[i], 1u << RETENTION_USAGE);
		}
		limit(&f, RETENTION_USAGE, 2 + random() % 30);
		shown = fixture_count(&f, FAMILY_REQUEST);
		dispose(&f, false, 1 + (size_t)random() % 9);
		assert_int_equal(count_bare(&f, FAMILY_REQUEST), shown);
		assert_int_equal(fixture_count(&f, FAMILY_REQUEST), shown);
		for (i = 0; i < ROWS; i++) {
			int64_t at = id_time_ms(&ids[i]);
			bool held = false;
			int h;

			for (h = 0; h < 3; h++)
				held = held || (spans[h].from_ms <= at &&
						   at < spans[h].to_ms);
			assert_int_equal(is_kept(&f, &ids[i]),
			    held || age[i] * DAY_MS <
					custody_terms(ledger_custody(f.ledger))
					    .keep_ms[RETENTION_USAGE]);
			assert_int_equal(is_shown(&f, &ids[i]),
			    is_kept(&f, &ids[i]));
		}
		fixture_free(&f);
	}
}

/* Ten receipts of a chain, a day apart, the last one now. */
static void
put_chain(struct fixture *f, const struct secret *key, int64_t now)
{
	char chain[CHAIN_ID_CHARS];
	struct receipt_row row;
	struct buf message;
	struct hash before = { { 0 } };
	struct receipt r;
	int64_t seq;

	chain_sample(chain);
	buf_init(&message, RECEIPT_MAX);
	for (seq = 1; seq <= RECEIPTS; seq++) {
		int64_t at = now - (RECEIPTS - seq) * DAY_US - HOUR_US;
		struct id id = put_request(f, at, "any");

		row = receipt_sample(id, 1, seq, chain);
		row.started_at = at;
		row.previous = before;
		buf_reset(&message);
		before = receipt_seal(&message, &row, key);
		assert_true(receipt_read(&r, buf_slice(&message)));
		receipt_keep(f->ledger, f->turn, &r, buf_slice(&message), true);
		fixture_turn(f);
	}
	buf_fini(&message);
}

static const struct public_key *
key_of(void *arg, struct slice egress, size_t which)
{
	(void)egress;
	return which == 0 ? arg : NULL;
}

static struct receipt_audit
audit(struct fixture *f, const struct secret *key)
{
	struct public_key public = sign_public(key);
	struct receipt_audit a;

	assert_true(receipt_audit(f->ledger, key_of, NULL, &public, &a));
	return a;
}

static void
receipt_key_at(uint8_t key[RECEIPT_KEY_BYTES], int64_t seq)
{
	char chain[CHAIN_ID_CHARS];
	struct receipt_row row = { .seq = seq };

	chain_sample(chain);
	row.chain = slice_of(chain);
	assert_true(receipt_key(key, &row));
}

static void
remove_receipt(struct fixture *f, int64_t seq)
{
	uint8_t key[RECEIPT_KEY_BYTES];

	receipt_key_at(key, seq);
	assert_int_equal(db_delete_now(ledger_db(f->ledger), FAMILY_RECEIPT,
			     slice_make(key, sizeof(key))),
	    DB_OK);
}

static void
a_chain_whose_beginning_was_dropped_is_verified(void **state)
{
	struct secret *key = sign_key_new();
	uint8_t at[RECEIPT_KEY_BYTES];
	struct fixture f;
	struct receipt_audit a;
	struct disposal d;
	size_t entries;

	(void)state;
	for (entries = 1; entries < 40; entries += 7) {
		fixture_new(&f);
		put_chain(&f, key, clock_wall_us());
		limit(&f, RETENTION_RECEIPTS, 4);
		limit(&f, RETENTION_USAGE, 3);
		d = dispose(&f, false, entries);
		assert_int_equal(d.classes[RETENTION_RECEIPTS].rows, 6);
		assert_int_equal(d.classes[RETENTION_USAGE].rows, 14);
		assert_int_equal(count_bare(&f, FAMILY_RECEIPT), 4);
		a = audit(&f, key);
		assert_int_equal(a.checked, 4);
		assert_int_equal(a.good, 4);
		assert_int_equal(a.missing, 0);
		assert_int_equal(a.unmatched, 0);
		assert_int_equal(a.dropped, 6);
		receipt_key_at(at, 6);
		assert_true(custody_receipt_gone(ledger_custody(f.ledger), at));
		receipt_key_at(at, 7);
		assert_false(
		    custody_receipt_gone(ledger_custody(f.ledger), at));
		/* A second run has nothing left to do. */
		d = dispose(&f, false, entries);
		assert_int_equal(d.classes[RETENTION_RECEIPTS].rows, 0);
		assert_int_equal(audit(&f, key).dropped, 6);
		/* One more that goes is no work of retention. */
		remove_receipt(&f, 7);
		a = audit(&f, key);
		assert_int_equal(a.missing, 1);
		fixture_free(&f);
	}
	secret_free(key);
}

/* The beginning that is left has to continue the one that went. */
static void
another_beginning_is_a_broken_chain(void **state)
{
	struct secret *key = sign_key_new();
	struct custody_chain dropped;
	uint8_t at[RECEIPT_KEY_BYTES];
	struct db_batch *b = db_batch_new();
	struct fixture f;

	(void)state;
	fixture_new(&f);
	put_chain(&f, key, clock_wall_us());
	limit(&f, RETENTION_RECEIPTS, 4);
	dispose(&f, false, 100);
	receipt_key_at(at, 6);
	assert_true(custody_chain_get(ledger_custody(f.ledger), at, &dropped));
	assert_int_equal(dropped.seq, 6);
	dropped.object.bytes[3] ^= 1;
	custody_chain_put(ledger_custody(f.ledger), b, at, &dropped);
	assert_int_equal(db_write(ledger_db(f.ledger), b, true), DB_OK);
	assert_int_equal(audit(&f, key).broken_chain, 1);
	db_batch_free(b);
	fixture_free(&f);
	secret_free(key);
}

/* What lies behind a held receipt stays too: a chain has no holes. */
static void
a_held_receipt_keeps_what_follows_it(void **state)
{
	const int64_t now = clock_wall_us();
	struct secret *key = sign_key_new();
	struct receipt_audit a;
	struct fixture f;

	(void)state;
	fixture_new(&f);
	put_chain(&f, key, now);
	limit(&f, RETENTION_RECEIPTS, 2);
	hold(&f, "case",
	    (struct retention_span){ now / US_PER_MS - 7 * DAY_MS,
		now / US_PER_MS - 6 * DAY_MS },
	    1u << RETENTION_RECEIPTS);
	dispose(&f, false, 3);
	a = audit(&f, key);
	assert_int_equal(a.dropped, 3);
	assert_int_equal(a.checked, 7);
	assert_int_equal(a.good, 7);
	assert_int_equal(a.missing, 0);
	fixture_free(&f);
	secret_free(key);
}

static bool
is_on_disk(const struct fixture *f, const char *text)
{
	char command[256];

	snprintf(command, sizeof(command), "grep -qr '%s' %s/store", text,
	    f->dir);
	return system(command) == 0;
}

/* USE10: in no file, log or table, whichever one it was in.  No two of the
 * words are alike: tables are compressed. */
static void
a_dropped_row_leaves_the_disk(void **state)
{
	struct slice none = { NULL, 0 };
	const int64_t now = clock_wall_us();
	struct fixture f;
	struct id young;
	struct disposal d;

	(void)state;
	fixture_new(&f);
	put_request(&f, now - 11 * DAY_US, "qhzvmwkx");
	assert_true(
	    db_compact(ledger_db(f.ledger), FAMILY_REQUEST, none, none));
	put_request(&f, now - 12 * DAY_US, "jrtybnfd");
	young = put_request(&f, now - DAY_US, "plxcgaeu");
	assert_int_equal(ledger_sync(f.ledger), DB_OK);
	assert_true(is_on_disk(&f, "qhzvmw"));
	assert_true(is_on_disk(&f, "jrtybn"));
	limit(&f, RETENTION_USAGE, 10);
	d = dispose(&f, false, 100);
	assert_true(disposal_compact(&d));
	assert_false(is_on_disk(&f, "qhzvmw"));
	assert_false(is_on_disk(&f, "jrtybn"));
	assert_true(is_on_disk(&f, "plxcga"));
	assert_true(is_shown(&f, &young));
	fixture_free(&f);
}

static void
decisions_and_events_go_by_their_own_limits(void **state)
{
	const int64_t now = clock_wall_us();
	const enum family families[] = { FAMILY_DECISION, FAMILY_EVENT };
	struct fixture f;
	struct id id;
	size_t i;

	(void)state;
	fixture_new(&f);
	for (i = 0; i < 2; i++) {
		id = id_at(now - 5 * DAY_US);
		ledger_put(f.turn, LEDGER_SETTLEMENTS, families[i],
		    slice_make(id.bytes, ID_BYTES), slice_of("old"));
		id = id_at(now);
		ledger_put(f.turn, LEDGER_SETTLEMENTS, families[i],
		    slice_make(id.bytes, ID_BYTES), slice_of("new"));
	}
	fixture_turn(&f);
	limit(&f, RETENTION_DECISIONS, 4);
	limit(&f, RETENTION_EVENTS, 6);
	assert_int_equal(fixture_count(&f, FAMILY_DECISION), 1);
	assert_int_equal(fixture_count(&f, FAMILY_EVENT), 2);
	dispose(&f, false, 1);
	assert_int_equal(count_bare(&f, FAMILY_DECISION), 1);
	assert_int_equal(count_bare(&f, FAMILY_EVENT), 2);
	fixture_free(&f);
}

static void
holds_are_made_of_what_people_write(void **state)
{
	static const struct {
		const char *name, *from, *to, *class, *says;
	} cases[] = {
		{ "case-1", "2026-11-01", "2026-12-01", "usage", "" },
		{ "case-1", "", "2026-12-01T08:30:00Z", "", "" },
		{ "Case 1", "", "", "", "a hold's name" },
		{ "c", "2026-02-30", "", "", "a time is a day" },
		{ "c", "2026-1-1", "", "", "a time is a day" },
		{ "c", "2026-11-01T24:00:00Z", "", "", "a time is a day" },
		{ "c", "2026-12-01", "2026-11-01", "", "from is not before" },
		{ "c", "", "", "sums",
		    "'sums' is no class of rows that has a "
		    "limit; there are usage, decisions, "
		    "events, receipts" },
	};
	struct legal_hold h;
	struct buf why;
	size_t i;

	(void)state;
	buf_init(&why, 1024);
	for (i = 0; i < count_of(cases); i++) {
		const struct legal_hold_wish wish = {
			.name = slice_of(cases[i].name),
			.from = slice_of(cases[i].from),
			.to = slice_of(cases[i].to),
			.class = slice_of(cases[i].class),
			.now_us = 7,
		};

		buf_reset(&why);
		assert_int_equal(legal_hold_make(&h, &wish, &why),
		    cases[i].says[0] == '\0');
		assert_ptr_equal(strstr(buf_text(&why), cases[i].says),
		    buf_text(&why));
	}
	buf_fini(&why);
	assert_true(legal_hold_time(slice_of("1970-01-02"), &h.at_us));
	assert_int_equal(h.at_us, DAY_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    what_is_past_is_hidden_at_once_and_dropped_by_the_run),
		cmocka_unit_test(limits_and_holds_are_found_again),
		cmocka_unit_test(
		    a_held_row_is_never_dropped_and_a_past_one_always),
		cmocka_unit_test(
		    a_chain_whose_beginning_was_dropped_is_verified),
		cmocka_unit_test(another_beginning_is_a_broken_chain),
		cmocka_unit_test(a_held_receipt_keeps_what_follows_it),
		cmocka_unit_test(a_dropped_row_leaves_the_disk),
		cmocka_unit_test(decisions_and_events_go_by_their_own_limits),
		cmocka_unit_test(holds_are_made_of_what_people_write),
	};

	if (!crypto_start())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
