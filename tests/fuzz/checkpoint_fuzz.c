/* CHECKPOINT comes from a node: whatever is read has valid fields. */
#include <assert.h>

#include "common/store/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_one(struct slice message)
{
	char room[CHECKPOINT_KEY_MAX];
	struct checkpoint c;
	struct slice key;

	if (!checkpoint_read(&c, message))
		return;
	assert(c.row.seq >= 1);
	assert(c.seal.index < c.seal.count && c.seal.count <= SEAL_MAX);
	key = checkpoint_key(room, c.row.chain);
	assert(key.len == strlen(CHECKPOINT_PREFIX) + CHAIN_ID_CHARS - 1);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice messages[CHECKPOINTS_MAX];
	int i, count = checkpoints_read(messages, slice_make(bytes, len));

	assert(count >= -1 && count <= CHECKPOINTS_MAX);
	for (i = 0; i < count; i++)
		check_one(messages[i]);
	check_one(slice_make(bytes, len));
	return 0;
}
