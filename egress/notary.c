#include "egress/notary.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/base/stat.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "common/store/intent.h"
#include "egress/egress.h"
#include "topology/load.h"

/* The writer of receipts that recovery makes; no worker has this index. */
#define RECOVERY_WORKER WORKERS_MAX

/* The last receipt of one origin's chain; one writer. */
struct chain {
	struct list link;
	char origin[NAME_CHARS_MAX + 1];
	char id[CHAIN_ID_CHARS];
	int64_t seq;
	struct hash previous;
};

struct notary {
	struct dock *dock;
	struct list jobs;   /* of this turn */
	struct list chains; /* few: one an origin */
};

/* Who writes: fills what each receipt of this boot and worker has alike. */
struct writer {
	struct egress *egress;
	int64_t worker;
	struct list *chains;
};

static struct chain *
chain_of(const struct writer *w, struct slice origin)
{
	struct process *p = w->egress->process;
	struct chain *c;

	list_each(item, w->chains) {
		c = container_of(item, struct chain, link);
		if (slice_is(origin, c->origin))
			return c;
	}
	c = xcalloc(1, sizeof(*c));
	memcpy(c->origin, origin.ptr, min_size(origin.len, NAME_CHARS_MAX));
	chain_id_write(c->id, slice_of(p->identity.name), w->egress->epoch,
	    w->worker, origin);
	list_push(w->chains, &c->link);
	return c;
}

static void
free_chains(struct list *chains)
{
	struct list *first;

	while ((first = list_pop(chains)) != NULL)
		free(container_of(first, struct chain, link));
}

/* The next object of the chain; appends its bytes. */
static void
write_object(const struct writer *w, struct chain *c,
    const struct attempt_row *a, struct buf *out)
{
	const struct receipt_row row = {
		.chain = slice_of(c->id),
		.seq = ++c->seq,
		.previous = c->previous,
		.egress = slice_of(w->egress->process->identity.name),
		.epoch = w->egress->epoch,
		.worker = w->worker,
		.origin = a->origin,
		.request = a->request,
		.attempt = a->number,
		.target = a->target,
		.status = a->status,
		.fail = a->fail,
		.state = a->state,
		.input_tokens = a->input_tokens,
		.cache_read_tokens = a->cache_read_tokens,
		.cache_write_tokens = a->cache_write_tokens,
		.cache_write_1h_tokens = a->cache_write_1h_tokens,
		.output_tokens = a->output_tokens,
		.reasoning_tokens = a->reasoning_tokens,
		.image_tokens = a->image_tokens,
		.web_searches = a->web_searches,
		.usage_source = a->usage_source,
		.price_book = a->price_book,
		.cost_microusd = a->cost_microusd,
		.provider_cost = a->provider_cost,
		.provider_usage = a->provider_usage,
		.started_at = a->started_at,
		.first_byte_us = a->first_byte_us,
		.total_us = a->total_us,
		.answer_bytes = a->answer_bytes,
		.answer_hash = a->answer_hash,
		.topology = a->topology,
		.class = a->class,
	};

	row_write(ROW_RECEIPT, &row, out);
	assert(!out->failed);
	c->previous = hash_of(out->data, out->len);
}

static void
key_of(const struct chain *c, uint8_t key[RECEIPT_KEY_BYTES])
{
	const struct receipt_row row = { .chain = slice_of(c->id),
		.seq = c->seq };
	bool made = receipt_key(key, &row);

	assert(made);
}

struct slice
outbox_prefix(char key[OUTBOX_KEY_MAX], struct slice origin, char last)
{
	size_t n = min_size(origin.len, NAME_CHARS_MAX);

	memcpy(key, origin.ptr, n);
	key[n] = last;
	return slice_make(key, n + 1);
}

struct slice
outbox_key(char key[OUTBOX_KEY_MAX], struct slice origin,
    const uint8_t *receipt_key)
{
	struct slice prefix = outbox_prefix(key, origin, '\0');

	memcpy(key + prefix.len, receipt_key, RECEIPT_KEY_BYTES);
	return slice_make(key, prefix.len + RECEIPT_KEY_BYTES);
}

static void
on_written(void *arg, bool written)
{
	struct notary_job *job = arg;

	assert(written); /* settlements are kept until they are */
	job->call(job->arg, buf_slice(&job->message));
}

/* Chain columns, then receipt, outbox and attempt in one batch. */
static void
file(struct notary *n, struct notary_job *job, const struct seal *seal,
    struct slice object, const uint8_t *key)
{
	struct ledger_turn *t = n->dock->worker->turn;
	char outbox[OUTBOX_KEY_MAX];

	receipt_write(&job->message, object, seal);
	assert(!job->message.failed);
	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_RECEIPT,
	    slice_make(key, RECEIPT_KEY_BYTES), buf_slice(&job->message));
	ledger_put(t, LEDGER_SETTLEMENTS, FAMILY_OUTBOX,
	    outbox_key(outbox, job->attempt->origin, key), slice_make(NULL, 0));
	ledger_settle(t, NULL, job->attempt);
	ledger_wait_init(&job->wait, on_written, job);
	ledger_await(t, LEDGER_SETTLEMENTS, &job->wait);
	stat_add(STAT_RECEIPTS, 1);
}

/* Up to SEAL_MAX jobs under one signature. */
static void
seal_some(struct notary *n)
{
	const struct writer w = { n->dock->egress,
		(int64_t)n->dock->worker->index, &n->chains };
	struct notary_job *jobs[SEAL_MAX];
	uint8_t keys[SEAL_MAX][RECEIPT_KEY_BYTES];
	struct hash leaves[SEAL_MAX];
	struct seal seals[SEAL_MAX];
	struct buf objects[SEAL_MAX];
	struct list *first;
	size_t i, count = 0;

	while (count < SEAL_MAX && (first = list_pop(&n->jobs)) != NULL) {
		struct notary_job *job =
		    container_of(first, struct notary_job, link);
		struct chain *c = chain_of(&w, job->attempt->origin);

		buf_init(&objects[count], RECEIPT_MAX);
		write_object(&w, c, job->attempt, &objects[count]);
		leaves[count] =
		    seal_leaf(RECEIPT_CONTEXT, buf_slice(&objects[count]));
		key_of(c, keys[count]);
		memcpy(job->chain, c->id, sizeof(job->chain));
		job->attempt->chain = slice_of(job->chain);
		job->attempt->chain_seq = c->seq;
		jobs[count++] = job;
	}
	seal_make(seals, w.egress->process->identity.key, RECEIPT_CONTEXT,
	    leaves, count);
	for (i = 0; i < count; i++) {
		file(n, jobs[i], &seals[i], buf_slice(&objects[i]), keys[i]);
		buf_fini(&objects[i]);
	}
}

static void
on_commit(void *arg)
{
	struct notary *n = arg;

	while (!list_empty(&n->jobs))
		seal_some(n);
}

struct notary *
notary_new(struct dock *d)
{
	struct notary *n = xcalloc(1, sizeof(*n));

	n->dock = d;
	list_init(&n->jobs);
	list_init(&n->chains);
	loop_each_turn(d->worker->loop, LOOP_COMMIT, on_commit, n);
	return n;
}

void
notary_free(struct notary *n)
{
	assert(list_empty(&n->jobs));
	free_chains(&n->chains);
	free(n);
}

void
notary_sign(struct notary *n, struct notary_job *job,
    struct attempt_row *attempt)
{
	job->attempt = attempt;
	buf_init(&job->message, RECEIPT_MAX);
	list_push(&n->jobs, &job->link);
	/* A call may end in RELEASE: its commit is the next turn's. */
	loop_again(n->dock->worker->loop);
}

/* The closed attempt again, with the place of its receipt. */
static void
put_chained(struct db_batch *b, struct db *db,
    const struct attempt_row *attempt, const struct chain *c)
{
	struct attempt_key key = attempt_key_make(&attempt->request,
	    attempt->number, attempt->origin);
	struct attempt_row row = *attempt;
	struct buf bytes;

	row.chain = slice_of(c->id);
	row.chain_seq = c->seq;
	buf_init(&bytes, ROW_BYTES_MAX);
	row_write(ROW_ATTEMPT, &row, &bytes);
	assert(!bytes.failed);
	db_batch_put(b, db, FAMILY_ATTEMPT, slice_make(key.bytes, key.len),
	    buf_slice(&bytes));
	buf_fini(&bytes);
}

void
notary_recover(void *arg, struct db_batch *b, const struct attempt_row *attempt)
{
	struct recovery *r = arg;
	struct db *db = ledger_db(r->egress->process->ledger);
	const struct writer w = { r->egress, RECOVERY_WORKER, &r->chains };
	struct chain *c = chain_of(&w, attempt->origin);
	uint8_t key[RECEIPT_KEY_BYTES];
	char outbox[OUTBOX_KEY_MAX];
	struct buf object, message;
	struct hash leaf;
	struct seal seal;

	buf_init(&object, RECEIPT_MAX);
	buf_init(&message, RECEIPT_MAX);
	write_object(&w, c, attempt, &object);
	key_of(c, key);
	leaf = seal_leaf(RECEIPT_CONTEXT, buf_slice(&object));
	seal_make(&seal, r->egress->process->identity.key, RECEIPT_CONTEXT,
	    &leaf, 1);
	receipt_write(&message, buf_slice(&object), &seal);
	db_batch_put(b, db, FAMILY_RECEIPT, slice_make(key, RECEIPT_KEY_BYTES),
	    buf_slice(&message));
	db_batch_put(b, db, FAMILY_OUTBOX,
	    outbox_key(outbox, attempt->origin, key), slice_make(NULL, 0));
	put_chained(b, db, attempt, c);
	buf_fini(&object);
	buf_fini(&message);
}

void
recovery_fini(struct recovery *r)
{
	free_chains(&r->chains);
}
