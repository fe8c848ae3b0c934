#pragma once
/*
 * pair: the stores of a node and of its egress after some calls, as both
 * would have written them, their exports, and ways to spoil those.
 */
#include <sys/stat.h>

#include "common/export/export.h"
#include "common/store/checkpoint.h"
#include "tests/unit/store/fixture.h"

#define PAIR_MAX 256

struct pair {
	struct fixture node, egress;
	struct secret *node_key, *egress_key;
	struct public_key node_public, egress_public;
	char chain[CHAIN_ID_CHARS];
	struct id ids[PAIR_MAX];
	struct hash last; /* object of the chain's last receipt */
	size_t count;
	char node_out[96], egress_out[96];
};

static inline void
pair_put_receipt(struct fixture *f, const struct receipt_row *row,
    struct slice message)
{
	uint8_t at[RECEIPT_KEY_BYTES];

	assert_true(receipt_key(at, row));
	ledger_put(f->turn, LEDGER_SETTLEMENTS, FAMILY_RECEIPT,
	    slice_make(at, sizeof(at)), message);
}

static inline struct attempt_row
pair_attempt(const struct receipt_row *r, bool egress)
{
	struct attempt_row a =
	    attempt_sample(r->request, r->attempt, "settled");

	a.team = slice_of("payments");
	a.started_at = r->started_at;
	a.status = r->status;
	a.input_tokens = r->input_tokens;
	a.output_tokens = r->output_tokens;
	a.usage_source = r->usage_source;
	a.price_book = r->price_book;
	a.cost_microusd = r->cost_microusd;
	a.answer_hash = r->answer_hash;
	a.chain = r->chain;
	a.chain_seq = r->seq;
	a.receipt = slice_of(egress ? "" : "verified");
	a.project = slice_of("fraud, \"new\"");
	return a;
}

/* One call more, settled on both sides; total_us 0: that of the sample. */
static inline void
pair_call_at(struct pair *p, int64_t started_at, int64_t total_us)
{
	struct id id = id_next(&p->node.ids,
	    INT64_C(1790000000000000) + (int64_t)p->count * 1000);
	int64_t seq = (int64_t)p->count + 1;
	struct receipt_row row = receipt_sample(id, 1, seq, p->chain);
	struct request_row request = request_sample(id, "settled");
	struct attempt_row attempt;
	struct buf message;

	assert_true(p->count < PAIR_MAX);
	p->ids[p->count++] = id;
	row.previous = p->last;
	row.started_at = started_at;
	if (total_us > 0)
		row.total_us = total_us;
	row.answer_hash = hash_of(&seq, sizeof(seq));
	buf_init(&message, RECEIPT_MAX);
	p->last = receipt_seal(&message, &row, p->egress_key);
	pair_put_receipt(&p->node, &row, buf_slice(&message));
	pair_put_receipt(&p->egress, &row, buf_slice(&message));
	attempt = pair_attempt(&row, false);
	ledger_settle(p->node.turn, &request, &attempt);
	attempt = pair_attempt(&row, true);
	ledger_settle(p->egress.turn, NULL, &attempt);
	buf_fini(&message);
}

static inline void
pair_call(struct pair *p)
{
	pair_call_at(p,
	    INT64_C(1790000000000000) + ((int64_t)p->count + 1) * 1000, 0);
}

/* The node signs for all it has of the chain; both keep it. */
static inline void
pair_checkpoint(struct pair *p)
{
	struct checkpoint_place place = { .seq = (int64_t)p->count,
		.object = p->last,
		.egress = "egress-1",
		.origin = "node-a" };
	char room[CHECKPOINT_KEY_MAX];
	struct slice key;
	struct buf message;

	memcpy(place.chain, p->chain, sizeof(place.chain));
	checkpoint_sign(&place, 1, INT64_C(1790000001000000), p->node_key,
	    &message);
	key = checkpoint_key(room, slice_of(p->chain));
	assert_int_equal(db_put_now(ledger_db(p->node.ledger), FAMILY_META, key,
			     buf_slice(&message)),
	    DB_OK);
	assert_int_equal(db_put_now(ledger_db(p->egress.ledger), FAMILY_META,
			     key, buf_slice(&message)),
	    DB_OK);
	buf_fini(&message);
}

static inline void
pair_turn(struct pair *p)
{
	fixture_turn(&p->node);
	fixture_turn(&p->egress);
}

static inline void
pair_new(struct pair *p, size_t calls)
{
	memset(p, 0, sizeof(*p));
	fixture_new(&p->node);
	fixture_new(&p->egress);
	p->node_key = sign_key_new();
	p->egress_key = sign_key_new();
	p->node_public = sign_public(p->node_key);
	p->egress_public = sign_public(p->egress_key);
	chain_sample(p->chain);
	while (calls-- > 0)
		pair_call(p);
	pair_turn(p);
	snprintf(p->node_out, sizeof(p->node_out), "%s/out", p->node.dir);
	snprintf(p->egress_out, sizeof(p->egress_out), "%s/out", p->egress.dir);
}

static inline void
pair_free(struct pair *p)
{
	fixture_free(&p->node);
	fixture_free(&p->egress);
	secret_free(p->node_key);
	secret_free(p->egress_key);
}

static inline struct export_wish
pair_wish(const struct pair *p, bool egress)
{
	struct export_wish w = {
		.state_dir = egress ? p->egress.dir : p->node.dir,
		.out_dir = egress ? p->egress_out : p->node_out,
		.member = egress ? "egress-1" : "node-a",
		.mesh = "lab",
		.key = egress ? p->egress_key : p->node_key,
	};
	enum export_kind k;

	for (k = 0; k < EXPORT_KINDS; k++)
		w.kinds[k] = true;
	return w;
}

static inline void
export_must(const struct export_wish *w, struct manifest *m)
{
	struct buf why;

	buf_init(&why, 4096);
	assert_int_equal(export_run(w, m, &why), EXPORT_WHOLE);
	assert_int_equal(why.len, 0);
	buf_fini(&why);
}

static inline void
pair_export_one(struct pair *p, bool egress)
{
	struct export_wish wish = pair_wish(p, egress);
	struct manifest m;

	if (access(wish.out_dir, F_OK) == 0)
		folder_free(wish.out_dir);
	export_must(&wish, &m);
}

/* Both sides anew. */
static inline void
pair_export(struct pair *p)
{
	pair_export_one(p, false);
	pair_export_one(p, true);
}

static inline void
file_read(struct buf *out, const char *dir, const char *name)
{
	char path[256];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	buf_reset(out);
	while ((c = fgetc(f)) != EOF)
		buf_putc(out, (char)c);
	fclose(f);
	assert_false(out->failed);
}

static inline void
file_write(const struct buf *bytes, const char *dir, const char *name)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes->data, 1, bytes->len, f), bytes->len);
	assert_int_equal(fclose(f), 0);
}

static inline const struct public_key *
pair_key_of(void *arg, struct slice member, size_t which)
{
	const struct pair *p = arg;

	if (which > 0)
		return NULL;
	if (slice_is(member, "egress-1"))
		return &p->egress_public;
	return slice_is(member, "node-a") ? &p->node_public : NULL;
}
