#include "common/store/pile.h"

#include <assert.h>

bool
pile_add(struct pile *p, struct slice key, const int64_t sums[MERGE_SUMS])
{
	size_t i, k;

	assert(key.len <= PILE_KEY_BYTES);
	for (i = 0; i < p->count; i++)
		if (p->items[i].key_len == key.len &&
		    memcmp(p->items[i].key, key.ptr, key.len) == 0)
			break;
	if (i == PILE_KEYS)
		return false;
	if (i == p->count) {
		p->count++;
		p->items[i].key_len = key.len;
		memcpy(p->items[i].key, key.ptr, key.len);
		memset(p->items[i].sums, 0, sizeof(p->items[i].sums));
	}
	for (k = 0; k < MERGE_SUMS; k++)
		p->items[i].sums[k] += sums[k];
	return true;
}

void
pile_write(struct pile *p, struct db_batch *b, struct db *db)
{
	char value[MERGE_SUMS_BYTES];
	size_t i;

	for (i = 0; i < p->count; i++) {
		sums_write(value, p->items[i].sums);
		db_batch_merge(b, db, FAMILY_SPEND,
		    slice_make(p->items[i].key, p->items[i].key_len),
		    slice_make(value, sizeof(value)));
	}
	p->count = 0;
}
