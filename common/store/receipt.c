#include "common/store/receipt.h"

#include <assert.h>
#include <stdio.h>

#include "common/base/log.h"
#include "common/base/stat.h"
#include "common/format/pack.h"
#include "common/store/intent.h"
#include "common/store/sealed.h"
#include "common/store/settlement.h"

void
chain_id_write(char text[CHAIN_ID_CHARS], struct slice egress, int64_t epoch,
    int64_t worker, struct slice origin)
{
	struct hash hash;
	struct buf named;

	/* Packed, so that no two chains are written alike. */
	buf_init(&named, RECEIPT_MAX);
	pack_array(&named, 4);
	pack_text(&named, egress);
	pack_int(&named, epoch);
	pack_int(&named, worker);
	pack_text(&named, origin);
	hash = hash_of(named.data, named.len);
	hex_write(text, hash.bytes, CHAIN_ID_BYTES);
	buf_fini(&named);
}

void
receipt_write(struct buf *out, struct slice object, const struct seal *seal)
{
	sealed_write(out, object, seal);
}

bool
receipt_read(struct receipt *r, struct slice message)
{
	uint8_t key[RECEIPT_KEY_BYTES];

	memset(r, 0, sizeof(*r));
	return message.len <= RECEIPT_MAX &&
	       sealed_read(message, &r->object, &r->seal) &&
	       row_read(ROW_RECEIPT, r->object, &r->row) &&
	       receipt_key(key, &r->row) && r->row.attempt >= 1 &&
	       r->row.attempt <= UINT8_MAX;
}

bool
receipt_key(uint8_t key[RECEIPT_KEY_BYTES], const struct receipt_row *row)
{
	int i;

	if (row->seq < 1 || !hex_parse(key, CHAIN_ID_BYTES, row->chain))
		return false;
	for (i = 0; i < 8; i++)
		key[CHAIN_ID_BYTES + i] =
		    (uint8_t)((uint64_t)row->seq >> (56 - 8 * i));
	return true;
}

void
ack_write(struct buf *out, const struct ack_range *ranges, size_t count)
{
	size_t i;

	pack_array(out, count);
	for (i = 0; i < count; i++) {
		pack_array(out, 3);
		pack_bytes(out, ranges[i].chain, CHAIN_ID_BYTES);
		pack_int(out, ranges[i].from);
		pack_int(out, ranges[i].to);
	}
}

int
ack_read(struct ack_range ranges[ACK_RANGES_MAX], struct slice message)
{
	struct unpack u = unpack_start(message);
	size_t count = unpack_array(&u), i;

	if (count > ACK_RANGES_MAX)
		return -1;
	for (i = 0; i < count; i++) {
		struct ack_range *range = &ranges[i];

		if (unpack_array(&u) != 3)
			return -1;
		unpack_fixed(&u, range->chain, CHAIN_ID_BYTES);
		range->from = unpack_int(&u);
		range->to = unpack_int(&u);
		if (u.failed || range->from < 1 || range->to < range->from)
			return -1;
	}
	return unpack_done(&u) ? (int)count : -1;
}

/* True when it is there already; another one by that number is an alarm. */
static bool
seen_before(struct ledger_turn *t, const struct receipt *r, struct slice key,
    struct slice message)
{
	struct buf stored;
	bool seen;

	buf_init(&stored, RECEIPT_MAX);
	seen = ledger_find(t, FAMILY_RECEIPT, key, &stored);
	if (seen && !slice_eq(buf_slice(&stored), message)) {
		struct receipt first;

		/* The same object may come under another batch's root. */
		if (!receipt_read(&first, buf_slice(&stored)) ||
		    !slice_eq(first.object, r->object)) {
			stat_add(STAT_RECEIPTS_BAD, 1);
			log_error("two receipts with one number: first kept",
			    log_slice("egress", r->row.egress),
			    log_slice("chain", r->row.chain),
			    log_int("seq", r->row.seq));
		}
	}
	buf_fini(&stored);
	return seen;
}

/* The request's row when it is closed; an open one is still counting. */
static bool
closed_request(struct ledger_turn *t, struct slice key, struct buf *bytes,
    struct request_row *row)
{
	return ledger_find(t, FAMILY_REQUEST, key, bytes) &&
	       row_read(ROW_REQUEST, buf_slice(bytes), row) &&
	       !slice_is(row->state, "open");
}

/* Is the request still open? */
static bool
align_rows(struct ledger_turn *t, const struct receipt *r,
    struct attempt_row *attempt, bool agrees)
{
	struct slice none = { NULL, 0 };
	struct attempt_key key =
	    attempt_key_make(&r->row.request, r->row.attempt, none);
	struct slice request_key = slice_make(r->row.request.bytes, ID_BYTES);
	enum settlement_change change;
	struct request_row request;
	struct buf bytes;
	bool closed;

	buf_init(&bytes, ROW_BYTES_MAX);
	closed = closed_request(t, request_key, &bytes, &request);
	change =
	    settlement_take(closed ? &request : NULL, attempt, &r->row, agrees);
	if (change != SETTLEMENT_SAME)
		ledger_replace_row(t, ROW_ATTEMPT, attempt,
		    attempt_key_slice(&key));
	if (change == SETTLEMENT_RESETTLED && closed)
		ledger_replace_row(t, ROW_REQUEST, &request, request_key);
	buf_fini(&bytes);
	return !closed;
}

/* So that recovery finds it if the attempt is never settled. */
static void
mark_early(struct ledger_turn *t, const struct receipt *r, struct slice key)
{
	struct attempt_key mark =
	    intent_mark(&r->row.request, r->row.attempt, INTENT_RECEIPT);

	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_INTENT,
	    attempt_key_slice(&mark), key);
}

void
receipt_put(struct ledger_turn *t, const struct receipt *r,
    struct slice message)
{
	uint8_t key[RECEIPT_KEY_BYTES];
	bool made = receipt_key(key, &r->row);

	assert(made);
	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_RECEIPT,
	    slice_make(key, sizeof(key)), message);
}

bool
receipt_keep(struct ledger *l, struct ledger_turn *t, const struct receipt *r,
    struct slice message, bool agrees)
{
	struct slice none = { NULL, 0 }, key;
	uint8_t key_bytes[RECEIPT_KEY_BYTES];
	struct attempt_row attempt;
	struct attempt_key row_key;
	bool open = false;
	struct buf bytes;

	if (!receipt_key(key_bytes, &r->row))
		return false;
	key = slice_make(key_bytes, sizeof(key_bytes));
	if (seen_before(t, r, key, message))
		return false;
	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_RECEIPT, key, message);
	row_key = attempt_key_make(&r->row.request, r->row.attempt, none);
	buf_init(&bytes, ROW_BYTES_MAX);
	if (ledger_find(t, FAMILY_ATTEMPT, attempt_key_slice(&row_key),
		&bytes) &&
	    row_read(ROW_ATTEMPT, buf_slice(&bytes), &attempt))
		open = align_rows(t, r, &attempt, agrees);
	else if (intent_is_there(l, &r->row.request, r->row.attempt))
		mark_early(t, r, key);
	else
		log_warn("a receipt for an attempt that is not in the store",
		    log_slice("egress", r->row.egress),
		    log_slice("chain", r->row.chain),
		    log_int("seq", r->row.seq));
	buf_fini(&bytes);
	return open;
}
