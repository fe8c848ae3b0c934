/* Receipts and ACKs come from peers: whatever is read has valid fields. */
#include <assert.h>

#include "common/store/receipt.h"

#define OUT_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_receipt(struct slice message)
{
	uint8_t key[RECEIPT_KEY_BYTES];
	struct receipt r, again;
	struct hash leaf, root;
	struct buf out;

	if (!receipt_read(&r, message))
		return;
	assert(receipt_key(key, &r.row));
	assert(r.row.attempt >= 1 && r.row.attempt <= 255);
	assert(r.seal.index < r.seal.count && r.seal.count <= SEAL_MAX);
	leaf = seal_leaf(RECEIPT_CONTEXT, r.object);
	(void)!seal_root(&r.seal, &leaf, &root);
	buf_init(&out, OUT_MAX);
	receipt_write(&out, r.object, &r.seal);
	assert(receipt_read(&again, buf_slice(&out)));
	assert(slice_eq(again.object, r.object));
	buf_fini(&out);
}

static void
check_ack(struct slice message)
{
	struct ack_range ranges[ACK_RANGES_MAX], again[ACK_RANGES_MAX];
	int count = ack_read(ranges, message), i;
	struct buf out;

	assert(count >= -1 && count <= ACK_RANGES_MAX);
	if (count < 0)
		return;
	for (i = 0; i < count; i++)
		assert(ranges[i].from >= 1 && ranges[i].to >= ranges[i].from);
	buf_init(&out, OUT_MAX);
	ack_write(&out, ranges, (size_t)count);
	assert(ack_read(again, buf_slice(&out)) == count);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	check_receipt(slice_make(bytes, len));
	check_ack(slice_make(bytes, len));
	return 0;
}
