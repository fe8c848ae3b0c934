/*
 * A ledger as a busy node has it after a month: so many rows, each with what
 * it adds to roll-ups, put by the code that puts a node's own.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/llm/price_book.h"
#include "common/store/recount.h"
#include "common/store/rollup.h"

#define BATCH    256
#define CALLERS  200
#define PROJECTS 20
#define USERS    60
#define NAME_MAX 32

static const char *const targets[] = { "openai/gpt-5.5", "openai/gpt-5-mini",
	"anthropic/claude-sonnet-5", "gpu/qwen3-coder", "openai/gpt-5-nano" };
static const char *const groups[] = { "assistant", "classify", "batch" };
static const char *const clients[] = { "claude-cli", "codex_cli_rs",
	"OpenAI/Python", "OpenAI/JS" };
static const char *const dialects[] = { "messages", "responses", "chat",
	"chat" };

struct month {
	struct ledger *ledger;
	struct db_batch *batch;
	struct rollup *rollup;
	struct id_source ids;
	struct buf row;
	uint64_t seed;
	char book[PRICE_BOOK_CHARS];
	char callers[CALLERS][NAME_MAX], projects[PROJECTS][NAME_MAX],
	    users[USERS][NAME_MAX];
};

static uint64_t
below(struct month *m, uint64_t n)
{
	m->seed ^= m->seed << 13;
	m->seed ^= m->seed >> 7;
	m->seed ^= m->seed << 17;
	return m->seed % n;
}

static void
name_all(struct month *m)
{
	int i;

	for (i = 0; i < CALLERS; i++)
		snprintf(m->callers[i], NAME_MAX, "caller-%d", i);
	for (i = 0; i < PROJECTS; i++)
		snprintf(m->projects[i], NAME_MAX, "project-%d", i);
	for (i = 0; i < USERS; i++)
		snprintf(m->users[i], NAME_MAX, "user-%d", i);
}

/* All targets at one price, in a book of that name: savings are priced. */
static void
keep_book(struct month *m)
{
	struct price_entry entries[count_of(targets)];
	struct buf bytes;
	size_t i;

	for (i = 0; i < count_of(targets); i++)
		entries[i] = (struct price_entry){ slice_of(targets[i]),
			{ .input = 3000000,
			    .cached_input = 300000,
			    .cache_write_5m = PRICE_UNKNOWN,
			    .cache_write_1h = PRICE_UNKNOWN,
			    .output = 15000000,
			    .reasoning = PRICE_UNKNOWN,
			    .image = PRICE_UNKNOWN } };
	buf_init(&bytes, PRICE_BOOK_MAX);
	price_book_write(&bytes, entries, count_of(targets));
	price_book_name(m->book, buf_slice(&bytes));
	db_batch_put(m->batch, ledger_db(m->ledger), FAMILY_BOOK,
	    slice_of(m->book), buf_slice(&bytes));
	buf_fini(&bytes);
}

static void
fill_use(struct month *m, struct request_row *row)
{
	bool good = row->fail.len == 0;

	row->status = good ? 200 : 503;
	row->attempts = below(m, 50) == 0 ? 2 : 1;
	row->fallbacks = row->attempts - 1;
	row->stream = below(m, 3) > 0;
	row->body_bytes = (int64_t)below(m, 60000) + 200;
	row->total_us = (int64_t)below(m, 9000000) + 200000;
	row->first_byte_us = row->total_us / 4;
	if (!good)
		return;
	row->answer_bytes = (int64_t)below(m, 20000) + 100;
	row->input_tokens = row->body_bytes / 4;
	row->cache_read_tokens = (int64_t)below(m, 2) * 3000;
	row->output_tokens = (int64_t)below(m, 2000);
	row->cost_microusd = row->input_tokens * 3 + row->output_tokens * 15;
	row->usage_source = slice_of("provider");
}

static void
put_one(struct month *m, int64_t at_us)
{
	uint64_t caller = below(m, CALLERS), kind = caller % 4;
	struct request_row row = {
		.id = id_next(&m->ids, at_us),
		.state = slice_of("settled"),
		.received_at = at_us,
		.caller = slice_of(m->callers[caller]),
		.user = slice_of(m->users[caller % USERS]),
		.project = slice_of(m->projects[caller % PROJECTS]),
		.environment =
		    slice_of(caller % 3 == 0 ? "staging" : "production"),
		.dialect = slice_of(dialects[kind]),
		.client = slice_of(clients[kind]),
		.group = slice_of(groups[below(m, count_of(groups))]),
		.strategy = slice_of("failover"),
		.target = slice_of(targets[below(m, count_of(targets))]),
		.egress = slice_of("central"),
		.region = slice_of("eu"),
		.operation = slice_of("generate"),
		.fail = slice_of(
		    below(m, 40) == 0 ? "upstream-capacity-throttled" : ""),
		.price_book = slice_of(m->book),
		.topology = slice_of("fedcba9876543210"),
		.path = slice_of("payments>central"),
		.team = slice_of("payments"),
		.cost_center = slice_of("4410"),
	};

	fill_use(m, &row);
	buf_reset(&m->row);
	row_write(ROW_REQUEST, &row, &m->row);
	rollup_request(m->rollup, m->batch, ledger_db(m->ledger), NULL, &row);
	db_batch_put(m->batch, ledger_db(m->ledger), FAMILY_REQUEST,
	    slice_make(row.id.bytes, ID_BYTES), buf_slice(&m->row));
}

static bool
put_all(struct month *m, int64_t rows, int64_t from_us, int64_t to_us)
{
	struct db *db = ledger_db(m->ledger);
	int64_t i;

	for (i = 0; i < rows; i++) {
		put_one(m, from_us + (to_us - from_us) / rows * i);
		if ((i + 1) % BATCH != 0 && i + 1 < rows)
			continue;
		rollup_write(m->rollup, m->batch, db);
		if (db_write(db, m->batch, true) != DB_OK)
			return false;
		db_batch_clear(m->batch);
		if (i / BATCH % 4096 == 0)
			fprintf(stderr, "%lld of %lld rows\n", (long long)i,
			    (long long)rows);
	}
	return db_sync(db) == DB_OK;
}

int
main(int argc, char **argv)
{
	int64_t rows = argc == 3 ? atoll(argv[2]) : 0, now = clock_wall_us();
	int64_t month = period_of(PERIOD_MONTH, now) - 1;
	struct month *m;
	bool good;

	if (rows <= 0) {
		fputs("usage: bench-month STATE ROWS\n"
		      "Puts the rows into STATE/store, over the month before "
		      "this one.\n",
		    stderr);
		return 2;
	}
	if (!crypto_start())
		return 1;
	m = xcalloc(1, sizeof(*m));
	m->seed = 88172645463325252u;
	m->ledger = ledger_open(argv[1], false);
	if (m->ledger == NULL || !recount_done(ledger_db(m->ledger)))
		return 1;
	m->batch = db_batch_new();
	m->rollup = rollup_new();
	buf_init(&m->row, ROW_BYTES_MAX);
	name_all(m);
	keep_book(m);
	good = put_all(m, rows, period_start_us(PERIOD_MONTH, month),
	    period_start_us(PERIOD_MONTH, month + 1));
	rollup_free(m->rollup);
	db_batch_free(m->batch);
	buf_fini(&m->row);
	ledger_close(m->ledger);
	free(m);
	return good ? 0 : 1;
}
