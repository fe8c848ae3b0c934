/*
 * bench-receipts: how long it takes to check the receipts of an export with
 * public keys alone: lines, signatures, chains.  They are made first: chains
 * of an egress's workers for one node, signed by the batch as a busy turn
 * signs them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/secret.h"
#include "common/export/kind.h"
#include "common/export/proof.h"

#define CHAINS   4
#define THREADS  2
#define START_US INT64_C(1790000000000000)
#define MILLION  1000000.0

struct bench {
	struct secret *key;
	struct public_key public;
	struct id_source ids;
	size_t batch;
	FILE *out;
};

/* The end of a chain that is being written. */
struct chain {
	char id[CHAIN_ID_CHARS];
	int64_t worker, seq;
	struct hash previous;
};

static const struct public_key *
key_of(void *arg, struct slice egress, size_t which)
{
	const struct bench *b = arg;

	return which == 0 && slice_is(egress, "central") ? &b->public : NULL;
}

static void
on_finding(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static void
write_object(struct bench *b, struct chain *c, struct buf *object)
{
	const struct receipt_row row = {
		.chain = slice_of(c->id),
		.seq = ++c->seq,
		.previous = c->previous,
		.egress = slice_of("central"),
		.epoch = 1,
		.worker = c->worker,
		.origin = slice_of("payments"),
		.request = id_next(&b->ids, START_US + c->seq * 1000),
		.attempt = 1,
		.target = slice_of("openai/gpt-5-mini"),
		.status = 200,
		.state = slice_of("settled"),
		.input_tokens = 1200 + c->seq % 800,
		.cache_read_tokens = 1024,
		.output_tokens = 300 + c->seq % 97,
		.usage_source = slice_of("provider"),
		.price_book = slice_of("0123456789abcdef"),
		.cost_microusd = 1000 + c->seq % 500,
		.provider_usage = slice_of("prompt_tokens=2224 "
					   "completion_tokens=300 "
					   "total_tokens=2524"),
		.started_at = START_US + c->seq * 1000,
		.first_byte_us = 350000,
		.total_us = 2100000,
		.answer_bytes = 9000,
		.answer_hash = hash_of(&c->seq, sizeof(c->seq)),
		.topology = slice_of("fedcba9876543210"),
	};

	row_write(ROW_RECEIPT, &row, object);
	c->previous = hash_of(object->data, object->len);
}

static void
write_batch(struct bench *b, struct chain *c, size_t count)
{
	struct buf objects[SEAL_MAX], message, line;
	struct hash leaves[SEAL_MAX];
	struct seal seals[SEAL_MAX];
	struct receipt r;
	size_t i;

	for (i = 0; i < count; i++) {
		buf_init(&objects[i], RECEIPT_MAX);
		write_object(b, c, &objects[i]);
		leaves[i] = seal_leaf(RECEIPT_CONTEXT, buf_slice(&objects[i]));
	}
	seal_make(seals, b->key, RECEIPT_CONTEXT, leaves, count);
	buf_init(&message, RECEIPT_MAX);
	buf_init(&line, EXPORT_LINE_MAX);
	for (i = 0; i < count; i++) {
		buf_reset(&message);
		buf_reset(&line);
		receipt_write(&message, buf_slice(&objects[i]), &seals[i]);
		if (!receipt_read(&r, buf_slice(&message)))
			abort();
		kind_put_receipt(&line, &r, buf_slice(&message));
		fwrite(line.data, 1, line.len, b->out);
		buf_fini(&objects[i]);
	}
	buf_fini(&message);
	buf_fini(&line);
}

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const struct chain *)a)->id,
	    ((const struct chain *)b)->id);
}

static void
write_all(struct bench *b, size_t count)
{
	struct chain chains[CHAINS] = { 0 };
	size_t i, left, n;

	for (i = 0; i < CHAINS; i++) {
		chains[i].worker = (int64_t)i;
		chain_id_write(chains[i].id, slice_of("central"), 1, (int64_t)i,
		    slice_of("payments"));
	}
	qsort(chains, CHAINS, sizeof(chains[0]), by_id);
	for (i = 0; i < CHAINS; i++)
		for (left = count / CHAINS; left > 0; left -= n) {
			n = min_size(left, b->batch);
			write_batch(b, &chains[i], n);
		}
}

/* Seconds; negative when not all were found good. */
static double
measure(struct bench *b, const char *path, size_t count)
{
	const struct proof_wish wish = { .keys = { key_of, b },
		.finding = on_finding };
	struct receipt_audit audit;
	struct tape tape;
	int64_t begun_us;

	if (!tape_open(&tape, path))
		return -1;
	begun_us = clock_mono_us();
	proof_check(&tape, &wish, THREADS, &audit);
	begun_us = clock_mono_us() - begun_us;
	tape_close(&tape);
	if (audit.good != (int64_t)(count / CHAINS * CHAINS) ||
	    audit.checked != audit.good)
		return -1;
	return (double)begun_us / MILLION;
}

int
main(int argc, char **argv)
{
	char path[] = "/tmp/bench_receipts.XXXXXX";
	struct bench b = { .batch =
			       argc == 3 ? strtoul(argv[2], NULL, 10) : 16 };
	size_t count = argc >= 2 ? strtoul(argv[1], NULL, 10) : 0;
	double seconds = -1;
	int fd;

	if (argc > 3 || count < CHAINS || b.batch < 1 || b.batch > SEAL_MAX) {
		fputs("usage: bench-receipts COUNT [A-SIGNATURE]\n"
		      "COUNT receipts, 16 a signature; prints seconds\n",
		    stderr);
		return 2;
	}
	if (!crypto_start())
		return 1;
	fd = mkstemp(path);
	b.out = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (b.out == NULL)
		return 1;
	b.key = sign_key_new();
	b.public = sign_public(b.key);
	write_all(&b, count);
	if (fclose(b.out) == 0)
		seconds = measure(&b, path, count);
	unlink(path);
	secret_free(b.key);
	if (seconds < 0) {
		fputs("bench-receipts: not all receipts were found good, or "
		      "there is no room in /tmp\n",
		    stderr);
		return 1;
	}
	printf("%.2f\n", seconds);
	return 0;
}
