#include "tests/unit/export/pair.h"

#include "common/export/bundle.h"
#include "common/export/intake.h"

#define ORIGINS  4
#define CALLS    3000 /* of all origins: several pages of each kind */
#define GUESSES  3000
#define FIRST_MS INT64_C(1790000000000)

/* Names that begin and end alike: no key may be taken for another's. */
static const char *const origins[ORIGINS] = { "node-a", "node-ab", "a",
	"x-node-a" };

/* An egress's store with the calls of several nodes among each other. */
struct crowd {
	struct fixture f;
	struct secret *key, *node_key;
	int64_t seq[ORIGINS];
	size_t attempts[ORIGINS], open[ORIGINS], held[ORIGINS];
	struct hash last[ORIGINS];
	uint32_t random;
};

static uint32_t
draw(struct crowd *c, uint32_t below)
{
	c->random = c->random * 1664525u + 1013904223u;
	return (c->random >> 8) % below;
}

static void
chain_of(char chain[CHAIN_ID_CHARS], size_t o)
{
	chain_id_write(chain, slice_of("egress-1"), 1, 0, slice_of(origins[o]));
}

static void
put_outbox(struct crowd *c, size_t o, const uint8_t *place)
{
	char key[128];
	size_t n = strlen(origins[o]) + 1;

	memcpy(key, origins[o], n);
	memcpy(key + n, place, RECEIPT_KEY_BYTES);
	ledger_put(c->f.turn, LEDGER_SETTLEMENTS, FAMILY_OUTBOX,
	    slice_make(key, n + RECEIPT_KEY_BYTES), slice_make(NULL, 0));
	c->held[o]++;
}

static void
put_call(struct crowd *c, size_t o, int64_t at_ms)
{
	struct id id = id_next(&c->f.ids, at_ms * 1000);
	struct attempt_row attempt = attempt_sample(id, 1, "settled");
	uint8_t place[RECEIPT_KEY_BYTES];
	char chain[CHAIN_ID_CHARS];
	struct receipt_row row;
	struct buf message;

	attempt.origin = slice_of(origins[o]);
	if (draw(c, 10) == 0) {
		attempt.state = slice_of("open");
		ledger_intend(c->f.turn, NULL, &attempt);
		c->open[o]++;
		return;
	}
	chain_of(chain, o);
	row = receipt_sample(id, 1, ++c->seq[o], chain);
	row.origin = attempt.origin;
	row.previous = c->last[o];
	buf_init(&message, RECEIPT_MAX);
	c->last[o] = receipt_seal(&message, &row, c->key);
	pair_put_receipt(&c->f, &row, buf_slice(&message));
	buf_fini(&message);
	attempt.chain = slice_of(chain);
	attempt.chain_seq = row.seq;
	ledger_settle(c->f.turn, NULL, &attempt);
	c->attempts[o]++;
	if (draw(c, 5) == 0 && receipt_key(place, &row))
		put_outbox(c, o, place);
}

static void
put_checkpoint(struct crowd *c, size_t o)
{
	struct checkpoint_place place = { .seq = c->seq[o],
		.object = c->last[o],
		.egress = "egress-1" };
	char room[CHECKPOINT_KEY_MAX];
	struct buf message;

	snprintf(place.origin, sizeof(place.origin), "%s", origins[o]);
	chain_of(place.chain, o);
	checkpoint_sign(&place, 1, FIRST_MS * 1000, c->node_key, &message);
	ledger_put(c->f.turn, LEDGER_SETTLEMENTS, FAMILY_META,
	    checkpoint_key(room, slice_of(place.chain)), buf_slice(&message));
	buf_fini(&message);
}

static void
crowd_new(struct crowd *c, uint32_t seed)
{
	size_t i;

	memset(c, 0, sizeof(*c));
	fixture_new(&c->f);
	c->random = seed;
	c->key = sign_key_new();
	c->node_key = sign_key_new();
	for (i = 0; i < CALLS; i++) {
		/* Few of "a": its pages pass by those of others. */
		put_call(c, draw(c, 20) == 0 ? 2 : draw(c, ORIGINS),
		    FIRST_MS + (int64_t)i);
		if (i % 50 == 0)
			fixture_turn(&c->f);
	}
	for (i = 0; i < ORIGINS; i++)
		put_checkpoint(c, i);
	fixture_turn(&c->f);
}

static void
crowd_free(struct crowd *c)
{
	secret_free(c->key);
	secret_free(c->node_key);
	fixture_free(&c->f);
}

static const atomic_bool goes_on = false;

static void
page_of(struct crowd *c, const struct extract_ask *a, size_t o,
    struct buf *page)
{
	buf_reset(page);
	extract_fill(page, ledger_db(c->f.ledger), a, slice_of(origins[o]),
	    &goes_on);
	assert_false(page->failed);
}

/* Whose is an entry, by what is in it? */
static struct slice
origin_of(enum export_kind k, struct slice key, struct slice value)
{
	static struct attempt_row attempt;
	static struct outbox_entry held;
	static struct checkpoint checkpoint;
	static struct receipt receipt;

	switch (k) {
	case EXPORT_OUTBOX:
		assert_true(outbox_entry_read(&held, key));
		return held.origin;
	case EXPORT_CHECKPOINT:
		assert_true(checkpoint_read(&checkpoint, value));
		return checkpoint.row.origin;
	case EXPORT_RECEIPT:
		assert_true(receipt_read(&receipt, value));
		return receipt.row.origin;
	default:
		assert_true(row_read(ROW_ATTEMPT, value, &attempt));
		assert_true(
		    slice_eq(slice_after(key, ID_BYTES + 1), attempt.origin));
		return attempt.origin;
	}
}

/* Gives how many entries it has; all are of that origin. */
static size_t
check_page(struct slice bytes, enum export_kind k, size_t o)
{
	struct slice key, value;
	struct extract_page p;
	size_t count = 0;

	assert_true(extract_page_read(&p, bytes));
	assert_int_equal(p.end, EXTRACT_GIVEN);
	assert_int_equal(p.damaged, 0);
	while (extract_next(&p, &key, &value)) {
		assert_true(slice_is(origin_of(k, key, value), origins[o]));
		count++;
	}
	assert_false(p.entries.failed);
	return count;
}

struct gathered {
	size_t of[EXPORT_KINDS], pages;
};

/* All pages of one node, into a folder. */
static struct gathered
gather(struct crowd *c, size_t o, const char *dir)
{
	const struct intake_wish wish = { .dir = dir,
		.member = "egress-1",
		.mesh = "lab" };
	struct gathered g = { .pages = 0 };
	struct extract_ask ask;
	struct intake *in;
	struct buf page, why;

	buf_init(&page, EXTRACT_PAGE_MAX);
	buf_init(&why, 4096);
	in = intake_new(&wish, &why);
	assert_non_null(in);
	while (intake_ask(in, &ask)) {
		page_of(c, &ask, o, &page);
		g.of[ask.kind] += check_page(buf_slice(&page), ask.kind, o);
		g.pages++;
		assert_true(intake_take(in, buf_slice(&page), &why));
	}
	assert_true(intake_finish(in, &why));
	assert_int_equal(intake_damaged(in), 0);
	intake_free(in);
	buf_fini(&page);
	buf_fini(&why);
	return g;
}

static void
test_a_node_gets_all_of_its_own_and_nothing_else(void **state)
{
	struct gathered g;
	struct bundle b;
	struct buf why;
	struct crowd c;
	char dir[80];
	uint32_t seed;
	size_t o;

	(void)state;
	buf_init(&why, 4096);
	for (seed = 1; seed <= 3; seed++) {
		crowd_new(&c, seed);
		for (o = 0; o < ORIGINS; o++) {
			snprintf(dir, sizeof(dir), "%s/out-%zu", c.f.dir, o);
			g = gather(&c, o, dir);
			assert_int_equal(g.of[EXPORT_ATTEMPT], c.attempts[o]);
			assert_int_equal(g.of[EXPORT_RECEIPT], c.attempts[o]);
			assert_int_equal(g.of[EXPORT_OPEN], c.open[o]);
			assert_int_equal(g.of[EXPORT_OUTBOX], c.held[o]);
			assert_int_equal(g.of[EXPORT_CHECKPOINT], 1);
			assert_true(bundle_open(&b, dir, &why));
			assert_string_equal(b.manifest.member, "egress-1");
			assert_int_equal(b.manifest.files[EXPORT_RECEIPT].rows,
			    c.attempts[o]);
			bundle_close(&b);
		}
		/* There are more pages than kinds, or nothing was tried. */
		assert_true(gather(&c, 0, dir).pages > 5);
		crowd_free(&c);
	}
	buf_fini(&why);
}

/* A key of the store, of whomever, or any bytes. */
static struct slice
guess(struct crowd *c, uint8_t room[EXTRACT_KEY_MAX], size_t n)
{
	size_t i, len = draw(c, EXTRACT_KEY_MAX + 1);

	for (i = 0; i < len; i++)
		room[i] = (uint8_t)draw(c, 256);
	if (n % 3 == 0 && len > 10)
		memcpy(room, origins[draw(c, ORIGINS)], 1);
	if (n % 3 == 1 && len > 12)
		memcpy(room, CHECKPOINT_PREFIX, strlen(CHECKPOINT_PREFIX));
	return slice_make(room, len);
}

static void
test_no_cursor_leads_to_another_nodes_rows(void **state)
{
	uint8_t room[EXTRACT_KEY_MAX];
	struct extract_ask ask = { .number = 1 };
	struct crowd c;
	struct buf page;
	size_t i, o;

	(void)state;
	crowd_new(&c, 7);
	buf_init(&page, EXTRACT_PAGE_MAX);
	for (i = 0; i < GUESSES; i++) {
		ask.kind = draw(&c, EXPORT_KINDS);
		if (!extract_has(ask.kind))
			continue;
		ask.after = guess(&c, room, i);
		ask.from = draw(&c, 2) == 0 ? 0 : FIRST_MS * 1000;
		o = draw(&c, ORIGINS);
		page_of(&c, &ask, o, &page);
		(void)check_page(buf_slice(&page), ask.kind, o);
	}
	buf_fini(&page);
	crowd_free(&c);
}

/* All entries that a question leads to. */
static size_t
count_all(struct crowd *c, struct extract_ask ask, size_t o)
{
	uint8_t last[EXTRACT_KEY_MAX];
	struct extract_page p;
	struct slice key, value;
	struct buf page;
	size_t count = 0;

	buf_init(&page, EXTRACT_PAGE_MAX);
	do {
		page_of(c, &ask, o, &page);
		assert_true(extract_page_read(&p, buf_slice(&page)));
		while (extract_next(&p, &key, &value)) {
			memcpy(last, key.ptr, key.len);
			ask.after = slice_make(last, key.len);
			count++;
		}
	} while (p.more);
	buf_fini(&page);
	return count;
}

static void
test_a_window_is_kept(void **state)
{
	struct extract_ask ask = { .number = 1, .kind = EXPORT_ATTEMPT };
	struct crowd c;
	size_t all, first, second;

	(void)state;
	crowd_new(&c, 3);
	for (; ask.kind <= EXPORT_RECEIPT; ask.kind++) {
		if (ask.kind == EXPORT_CHECKPOINT)
			continue;
		ask.from = ask.to = 0;
		all = count_all(&c, ask, 2);
		ask.to = (FIRST_MS + CALLS / 2) * 1000;
		first = count_all(&c, ask, 2);
		ask.from = ask.to;
		ask.to = 0;
		second = count_all(&c, ask, 2);
		assert_true(first > 0 && second > 0);
		assert_int_equal(first + second, all);
		assert_int_equal(all, c.attempts[2]);
	}
	crowd_free(&c);
}

static void
test_it_stops_when_the_daemon_ends(void **state)
{
	const atomic_bool stop = true;
	struct extract_ask ask = { .number = 5, .kind = EXPORT_ATTEMPT };
	struct extract_page p;
	struct crowd c;
	struct buf page;
	size_t i;

	(void)state;
	crowd_new(&c, 3);
	for (i = 0; i < 1200; i++)
		put_call(&c, 3, FIRST_MS + CALLS + (int64_t)i);
	fixture_turn(&c.f);
	buf_init(&page, EXTRACT_PAGE_MAX);
	extract_fill(&page, ledger_db(c.f.ledger), &ask, slice_of("nobody"),
	    &stop);
	assert_true(extract_page_read(&p, buf_slice(&page)));
	assert_int_equal(p.end, EXTRACT_FAILED);
	assert_int_equal(p.number, 5);
	buf_fini(&page);
	crowd_free(&c);
}

static void
test_an_ask_is_read_as_it_was_written(void **state)
{
	const struct extract_ask ask = { .number = 9,
		.kind = EXPORT_RECEIPT,
		.from = 1,
		.to = 2,
		.after = slice_of("key") };
	struct extract_ask again;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, EXTRACT_ASK_MAX);
	extract_ask_write(&bytes, &ask);
	assert_true(extract_ask_read(&again, buf_slice(&bytes)));
	assert_int_equal(again.number, 9);
	assert_int_equal(again.kind, EXPORT_RECEIPT);
	assert_int_equal(again.from, 1);
	assert_int_equal(again.to, 2);
	assert_true(slice_is(again.after, "key"));
	buf_reset(&bytes);
	pack_array(&bytes, 7); /* of a later version: one field more */
	pack_int(&bytes, EXTRACT_VERSION);
	pack_int(&bytes, 9);
	pack_text(&bytes, slice_of("request"));
	pack_int(&bytes, 0);
	pack_int(&bytes, 0);
	pack_bytes(&bytes, NULL, 0);
	pack_bool(&bytes, true);
	assert_true(extract_ask_read(&again, buf_slice(&bytes)));
	assert_int_equal(again.kind, EXPORT_KINDS); /* no node is given it */
	assert_false(
	    extract_ask_read(&again, slice_make(bytes.data, bytes.len - 1)));
	buf_fini(&bytes);
}

/* What an egress may answer that is wrong. */
static void
test_pages_that_do_not_follow_are_refused(void **state)
{
	struct intake_wish wish = { .member = "egress-1", .mesh = "lab" };
	struct extract_ask ask;
	struct intake *in;
	struct buf page, why;
	struct crowd c;
	char dir[80];

	(void)state;
	crowd_new(&c, 11);
	snprintf(dir, sizeof(dir), "%s/out", c.f.dir);
	wish.dir = dir;
	buf_init(&page, EXTRACT_PAGE_MAX);
	buf_init(&why, 4096);
	in = intake_new(&wish, &why);
	assert_non_null(in);
	assert_false(intake_take(in, slice_of("nonsense"), &why));
	extract_refuse(&page, 1, EXTRACT_BUSY);
	assert_false(intake_take(in, buf_slice(&page), &why));
	/* The same receipts once more: they would never end. */
	while (intake_ask(in, &ask) && ask.kind != EXPORT_RECEIPT) {
		page_of(&c, &ask, 0, &page);
		assert_true(intake_take(in, buf_slice(&page), &why));
	}
	page_of(&c, &ask, 0, &page);
	assert_true(intake_take(in, buf_slice(&page), &why));
	assert_true(intake_ask(in, &ask) && ask.kind == EXPORT_RECEIPT);
	buf_reset(&why);
	assert_false(intake_take(in, buf_slice(&page), &why));
	assert_non_null(strstr(buf_text(&why), "not in order"));
	intake_free(in);
	buf_fini(&page);
	buf_fini(&why);
	crowd_free(&c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    test_a_node_gets_all_of_its_own_and_nothing_else),
		cmocka_unit_test(test_no_cursor_leads_to_another_nodes_rows),
		cmocka_unit_test(test_a_window_is_kept),
		cmocka_unit_test(test_it_stops_when_the_daemon_ends),
		cmocka_unit_test(test_an_ask_is_read_as_it_was_written),
		cmocka_unit_test(test_pages_that_do_not_follow_are_refused),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
