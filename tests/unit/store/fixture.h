#pragma once
/*
 * fixture: a ledger in a folder of its own, a loop whose turns are run by
 * hand, and rows with something in every column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/base/secret.h"
#include "common/net/loop.h"
#include "common/store/intent.h"
#include "common/store/ledger.h"
#include "common/store/receipt.h"

struct fixture {
	char dir[64];
	struct ledger *ledger;
	struct loop *loop;
	struct ledger_turn *turn;
	struct id_source ids;
};

static inline void
folder_new(char dir[64])
{
	strcpy(dir, "/tmp/store_test.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

static inline void
folder_free(const char *dir)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static inline void
fixture_open(struct fixture *f, bool read_only)
{
	f->ledger = ledger_open(f->dir, read_only);
	assert_non_null(f->ledger);
	f->loop = loop_new("test");
	f->turn = ledger_turn_new(f->ledger, f->loop);
	/* A stopped loop runs the phases once per loop_run and never sleeps. */
	loop_stop(f->loop);
}

static inline void
fixture_close(struct fixture *f)
{
	ledger_turn_free(f->turn);
	loop_free(f->loop);
	ledger_close(f->ledger);
}

static inline void
fixture_new(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	folder_new(f->dir);
	fixture_open(f, false);
}

static inline void
fixture_free(struct fixture *f)
{
	fixture_close(f);
	folder_free(f->dir);
}

/* One turn: COMMIT, then RELEASE. */
static inline void
fixture_turn(struct fixture *f)
{
	loop_run(f->loop);
}

/*
 * As kill -9 leaves it: what the process had not written is gone.  A copy
 * during which a compaction changed the files is made again.
 */
static inline void
fixture_crash(struct fixture *f)
{
	char copy[64], command[512];

	folder_new(copy);
	snprintf(command, sizeof(command),
	    "until a=$(ls -l %s/store) && cp -a %s/store %s/ 2>/dev/null && "
	    "[ \"$a\" = \"$(ls -l %s/store)\" ]; do rm -rf %s/store; done",
	    f->dir, f->dir, copy, f->dir, copy);
	assert_int_equal(system(command), 0);
	fixture_close(f);
	folder_free(f->dir);
	memcpy(f->dir, copy, sizeof(copy));
	fixture_open(f, false);
}

static inline struct request_row
request_sample(struct id id, const char *state)
{
	return (struct request_row){
		.id = id,
		.state = slice_of(state),
		.received_at = INT64_C(1790000000000000),
		.caller = slice_of("agent"),
		.group = slice_of("coding"),
		.target = slice_of("openai/gpt"),
		.attempts = 1,
		.body_bytes = 4000,
	};
}

static inline struct attempt_row
attempt_sample(struct id id, int64_t number, const char *state)
{
	return (struct attempt_row){
		.request = id,
		.number = number,
		.state = slice_of(state),
		.origin = slice_of("node-a"),
		.caller = slice_of("agent"),
		.group = slice_of("coding"),
		.target = slice_of("openai/gpt"),
		.egress = slice_of("egress-1"),
		.started_at = INT64_C(1790000000000000),
		.body_bytes = 4000,
	};
}

/* A receipt of the chain (egress-1, epoch 1, worker 0, node-a). */
static inline struct receipt_row
receipt_sample(struct id id, int64_t number, int64_t seq, const char *chain)
{
	return (struct receipt_row){
		.chain = slice_of(chain),
		.seq = seq,
		.egress = slice_of("egress-1"),
		.epoch = 1,
		.origin = slice_of("node-a"),
		.request = id,
		.attempt = number,
		.target = slice_of("openai/gpt"),
		.status = 200,
		.state = slice_of("settled"),
		.input_tokens = 700,
		.output_tokens = 300,
		.usage_source = slice_of("provider"),
		.price_book = slice_of("0123456789abcdef"),
		.cost_microusd = 5000,
	};
}

static inline void
chain_sample(char chain[CHAIN_ID_CHARS])
{
	chain_id_write(chain, slice_of("egress-1"), 1, 0, slice_of("node-a"));
}

/* Write it sealed; gives the hash that the next one of the chain names. */
static inline struct hash
receipt_seal(struct buf *message, const struct receipt_row *row,
    const struct secret *key)
{
	struct buf object;
	struct seal seal;
	struct hash leaf, hash;

	buf_init(&object, RECEIPT_MAX);
	row_write(ROW_RECEIPT, row, &object);
	leaf = seal_leaf(RECEIPT_CONTEXT, buf_slice(&object));
	seal_make(&seal, key, RECEIPT_CONTEXT, &leaf, 1);
	receipt_write(message, buf_slice(&object), &seal);
	hash = hash_of(object.data, object.len);
	buf_fini(&object);
	return hash;
}

static inline bool
fixture_attempt(struct fixture *f, const struct id *id, int64_t number,
    struct buf *bytes, struct attempt_row *row)
{
	struct slice none = { NULL, 0 };
	struct attempt_key key = attempt_key_make(id, number, none);

	return db_get(ledger_db(f->ledger), FAMILY_ATTEMPT,
		   attempt_key_slice(&key), bytes) &&
	       row_read(ROW_ATTEMPT, buf_slice(bytes), row);
}

static inline size_t
fixture_count(struct fixture *f, enum family family)
{
	struct slice none = { NULL, 0 }, key, value;
	struct db_scan *scan =
	    db_scan_new(ledger_db(f->ledger), family, none, none, false);
	size_t count = 0;

	while (db_scan_next(scan, &key, &value))
		count++;
	db_scan_free(scan);
	return count;
}

/* Keep a receipt in the turn under way. */
static inline void
fixture_keep(struct fixture *f, const struct receipt_row *row,
    const struct secret *key)
{
	struct receipt r;
	struct buf message;

	buf_init(&message, RECEIPT_MAX);
	receipt_seal(&message, row, key);
	assert_true(receipt_read(&r, buf_slice(&message)));
	receipt_keep(f->ledger, f->turn, &r, buf_slice(&message), true);
	buf_fini(&message);
}
