#include <stdarg.h>
#include <stdio.h>

#include "common/store/checkpoint.h"
#include "common/store/custody.h"
#include "common/store/intent.h"
#include "common/store/receipt.h"

#define LINE_BYTES 256

/* One pass in order of (chain, number): only the receipt before is kept. */
struct audit {
	struct ledger *ledger;
	const struct public_key *(
	    *key_of)(void *arg, struct slice egress, size_t which);
	void (*finding)(void *arg, const char *line);
	void *arg;
	struct receipt_audit *out;
	struct seal_memory roots;
	struct buf found;
	uint8_t chain[CHAIN_ID_BYTES];
	int64_t seq; /* the receipt before in this chain; 0: none */
	struct custody_chain dropped; /* its beginning; seq 0: it is there */
	struct hash object;
	bool object_known; /* false: it was not readable */
	bool good;         /* no fault of the present one so far */
};

static int64_t
key_seq(const uint8_t *key)
{
	uint64_t seq = 0;
	int i;

	for (i = 0; i < 8; i++)
		seq = seq << 8 | key[CHAIN_ID_BYTES + i];
	return (int64_t)seq;
}

static void like_printf(3, 4)
    fault(struct audit *a, int64_t *count, const char *fmt, ...)
{
	char line[LINE_BYTES], chain[CHAIN_ID_CHARS];
	va_list args;
	int at;

	*count += 1;
	a->good = false;
	if (a->finding == NULL)
		return;
	hex_write(chain, a->chain, CHAIN_ID_BYTES);
	at = snprintf(line, sizeof(line), "chain %s number %lld: ", chain,
	    (long long)a->seq);
	va_start(args, fmt);
	vsnprintf(line + at, sizeof(line) - (size_t)at, fmt, args);
	va_end(args);
	a->finding(a->arg, line);
}

static void
begin_chain(struct audit *a, const uint8_t *key)
{
	a->out->chains++;
	memcpy(a->chain, key, CHAIN_ID_BYTES);
	a->seq = 0;
	if (!custody_chain_get(ledger_custody(a->ledger), key, &a->dropped))
		a->dropped.seq = 0;
	a->out->dropped += a->dropped.seq;
}

/*
 * A chain's beginning may be gone too, so the first number counts as well;
 * but not what retention dropped, of which some may have come late.
 */
static bool
check_number(struct audit *a, const uint8_t *key)
{
	int64_t before, gap;

	if (a->out->chains == 0 || memcmp(a->chain, key, CHAIN_ID_BYTES) != 0)
		begin_chain(a, key);
	before = a->seq;
	a->seq = key_seq(key);
	if (before < a->dropped.seq) {
		if (a->seq <= a->dropped.seq)
			return false;
		before = a->dropped.seq;
		a->object = a->dropped.object;
		a->object_known = true;
	}
	gap = a->seq - before - 1;
	if (gap > 0) {
		int64_t counted = 0;

		fault(a, &counted, "%lld before it are missing",
		    (long long)gap);
		a->good = true; /* no fault of this one's */
		a->out->missing += gap;
	}
	return gap == 0 && (before == 0 || a->object_known);
}

static bool
is_of_chain(const struct receipt_row *r)
{
	char id[CHAIN_ID_CHARS];

	chain_id_write(id, r->egress, r->epoch, r->worker, r->origin);
	return slice_is(r->chain, id);
}

/* `follows`: the object before it is known. */
static void
check_chain(struct audit *a, const struct receipt *r, bool follows)
{
	static const struct hash none;
	const struct hash *before = a->seq == 1 ? &none : &a->object;

	if (!is_of_chain(&r->row))
		fault(a, &a->out->broken_chain,
		    "its writer is not that of the chain");
	else if (follows && memcmp(&r->row.previous, before, HASH_BYTES) != 0)
		fault(a, &a->out->broken_chain,
		    "it does not continue the one before it");
}

static void
check_signature(struct audit *a, const struct receipt *r)
{
	const struct public_key *key;
	size_t which;

	for (which = 0;; which++) {
		key = a->key_of(a->arg, r->row.egress, which);
		if (key == NULL)
			break;
		if (seal_check_again(&a->roots, &r->seal, key, RECEIPT_CONTEXT,
			r->object))
			return;
	}
	fault(a, &a->out->bad_signature,
	    which == 0 ? "no key is known for '%.*s'"
		       : "the signature is not that of '%.*s'",
	    SLICE_FMT(r->row.egress));
}

/*
 * The first column that differs, or NULL.  An egress's recovery makes the
 * receipt of a row that it has just closed: that row need not name it.
 */
static const char *
differs(const struct attempt_row *a, const struct receipt_row *r)
{
	bool unnamed = a->chain.len == 0 && slice_is(a->state, "interrupted") &&
		       slice_is(r->state, "interrupted");

#define DIFFERS(column, other)                                                 \
	if (a->column != r->other)                                             \
	return #column
	DIFFERS(status, status);
	DIFFERS(input_tokens, input_tokens);
	DIFFERS(cache_read_tokens, cache_read_tokens);
	DIFFERS(cache_write_tokens, cache_write_tokens);
	DIFFERS(cache_write_1h_tokens, cache_write_1h_tokens);
	DIFFERS(output_tokens, output_tokens);
	DIFFERS(reasoning_tokens, reasoning_tokens);
	DIFFERS(image_tokens, image_tokens);
	DIFFERS(web_searches, web_searches);
	DIFFERS(cost_microusd, cost_microusd);
#undef DIFFERS
	if (!unnamed && !slice_eq(a->chain, r->chain))
		return "chain";
	if (!unnamed && a->chain_seq != r->seq)
		return "chain_seq";
	return NULL;
}

/* A node's key has no origin, an egress's has. */
static bool
find_attempt(struct audit *a, const struct receipt_row *r,
    struct attempt_row *attempt)
{
	struct db *db = ledger_db(a->ledger);
	struct slice none = { NULL, 0 };
	struct attempt_key key =
	    attempt_key_make(&r->request, r->attempt, none);
	bool found =
	    db_get(db, FAMILY_ATTEMPT, attempt_key_slice(&key), &a->found);

	if (!found && r->origin.len > 0 && r->origin.len <= ORIGIN_MAX) {
		key = attempt_key_make(&r->request, r->attempt, r->origin);
		found = db_get(db, FAMILY_ATTEMPT, attempt_key_slice(&key),
		    &a->found);
	}
	return found && row_read(ROW_ATTEMPT, buf_slice(&a->found), attempt);
}

static void
check_attempt(struct audit *a, const struct receipt_row *r)
{
	char id[ID_TEXT_BYTES];
	struct attempt_row attempt;
	const char *column;

	id_write(&r->request, id);
	if (!find_attempt(a, r, &attempt)) {
		if (custody_gone(ledger_custody(a->ledger), RETENTION_USAGE,
			id_time_ms(&r->request)))
			return;
		fault(a, &a->out->unmatched,
		    "there is no row of attempt %lld of req_%s",
		    (long long)r->attempt, id);
		return;
	}
	column = differs(&attempt, r);
	if (column != NULL)
		fault(a, &a->out->unmatched,
		    "the row of attempt %lld of req_%s differs in %s",
		    (long long)r->attempt, id, column);
}

static void
check(struct audit *a, struct slice key, struct slice message)
{
	uint8_t own_key[RECEIPT_KEY_BYTES];
	struct receipt r;
	bool follows;

	a->out->checked++;
	a->good = true;
	if (key.len != RECEIPT_KEY_BYTES) {
		fault(a, &a->out->unreadable, "and then a key that is none");
		return;
	}
	follows = check_number(a, (const uint8_t *)key.ptr);
	a->object_known = receipt_read(&r, message) &&
			  receipt_key(own_key, &r.row) &&
			  memcmp(own_key, key.ptr, key.len) == 0;
	if (!a->object_known) {
		fault(a, &a->out->unreadable, "it is no receipt");
		return;
	}
	check_chain(a, &r, follows);
	check_signature(a, &r);
	check_attempt(a, &r.row);
	a->object = hash_of(r.object.ptr, r.object.len);
	a->out->good += a->good;
}

/* Its node's, by a key that is known: others say nothing. */
static bool
is_vouched(struct audit *a, const struct checkpoint *c)
{
	const struct public_key *key;
	size_t which;

	for (which = 0;; which++) {
		key = a->key_of(a->arg, c->row.origin, which);
		if (key == NULL)
			return false;
		if (seal_check(&c->seal, key, CHECKPOINT_CONTEXT, c->object))
			return true;
	}
}

/* The last number that the chain has, up to that one; 0: none. */
static int64_t
last_number(struct audit *a, const uint8_t key[RECEIPT_KEY_BYTES])
{
	uint8_t first[RECEIPT_KEY_BYTES] = { 0 }, behind[RECEIPT_KEY_BYTES + 1];
	struct slice at, message;
	struct db_scan *scan;
	int64_t seq = 0;

	memcpy(first, key, CHAIN_ID_BYTES);
	memcpy(behind, key, RECEIPT_KEY_BYTES);
	behind[RECEIPT_KEY_BYTES] = 0;
	scan = db_scan_new(ledger_db(a->ledger), FAMILY_RECEIPT,
	    slice_make(first, sizeof(first)),
	    slice_make(behind, sizeof(behind)), true);
	if (db_scan_next(scan, &at, &message) && at.len == RECEIPT_KEY_BYTES)
		seq = key_seq((const uint8_t *)at.ptr);
	db_scan_free(scan);
	return seq;
}

/* What is missing before its last is told already: see check_number. */
static void
check_end(struct audit *a, const uint8_t key[RECEIPT_KEY_BYTES])
{
	struct custody_chain dropped = { .seq = 0 };
	int64_t wanted = a->seq, gap;

	a->seq = last_number(a, key);
	if (custody_chain_get(ledger_custody(a->ledger), key, &dropped))
		a->seq = max_i64(a->seq, dropped.seq);
	gap = wanted - a->seq;
	if (gap <= 0)
		return;
	a->out->missing += gap - 1;
	fault(a, &a->out->missing,
	    "its node signed that it has %lld more, and they are missing",
	    (long long)gap);
}

static void
check_checkpoint(struct audit *a, struct slice message)
{
	uint8_t key[RECEIPT_KEY_BYTES];
	struct receipt_row row = { .seq = 0 };
	struct checkpoint c;
	struct receipt r;
	struct hash object;

	if (!checkpoint_read(&c, message) || !is_vouched(a, &c))
		return;
	a->out->checkpoints++;
	row.chain = c.row.chain;
	row.seq = c.row.seq;
	if (!receipt_key(key, &row))
		return;
	memcpy(a->chain, key, CHAIN_ID_BYTES);
	a->seq = c.row.seq;
	if (!db_get(ledger_db(a->ledger), FAMILY_RECEIPT,
		slice_make(key, sizeof(key)), &a->found)) {
		check_end(a, key);
		return;
	}
	if (!receipt_read(&r, buf_slice(&a->found)))
		return; /* told already */
	object = hash_of(r.object.ptr, r.object.len);
	if (memcmp(&object, &c.row.object, HASH_BYTES) != 0)
		fault(a, &a->out->broken_chain,
		    "it is not the one that its node signed for");
}

/* Chains have to reach as far as their nodes signed that they do. */
static bool
check_checkpoints(struct audit *a)
{
	struct slice key, message;
	struct db_scan *scan = db_scan_new(ledger_db(a->ledger), FAMILY_META,
	    slice_of(CHECKPOINT_PREFIX), slice_of(CHECKPOINT_END), false);
	bool whole;

	while (db_scan_next(scan, &key, &message))
		check_checkpoint(a, message);
	whole = !db_scan_failed(scan);
	db_scan_free(scan);
	return whole;
}

bool
receipt_audit(struct ledger *l,
    const struct public_key *(
	*key_of)(void *arg, struct slice egress, size_t which),
    void (*finding)(void *arg, const char *line), void *arg,
    struct receipt_audit *out)
{
	struct slice none = { NULL, 0 }, key, value;
	struct audit a = {
		.ledger = l,
		.key_of = key_of,
		.finding = finding,
		.arg = arg,
		.out = out,
	};
	struct db_scan *scan;
	bool whole;

	memset(out, 0, sizeof(*out));
	buf_init(&a.found, ROW_BYTES_MAX);
	scan = db_scan_new(ledger_db(l), FAMILY_RECEIPT, none, none, false);
	while (db_scan_next(scan, &key, &value))
		check(&a, key, value);
	whole = !db_scan_failed(scan);
	db_scan_free(scan);
	whole = check_checkpoints(&a) && whole;
	buf_fini(&a.found);
	return whole;
}
