/* CAPACITY comes from a peer: what is read has valid fields, and is read as
 * the same again when it is written. */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/member/capacity.h"

#define OUT_MAX   (4 << 20)
#define ARENA_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(const struct capacity *c, struct arena *arena)
{
	struct capacity again;
	struct buf out;
	size_t i;

	assert(c->count <= CAPACITY_ENTRIES_MAX);
	for (i = 0; i < c->count; i++) {
		const struct capacity_entry *e = &c->entries[i];

		assert(e->target.len > 0);
		assert(e->kind > BACKOFF_NONE && e->kind < BACKOFF_KINDS);
		assert(e->wait_us >= 0 && e->wait_us <= BACKOFF_WAIT_MAX_US);
	}
	buf_init(&out, OUT_MAX);
	capacity_write(&out, c);
	assert(capacity_read(&again, arena, buf_slice(&out)));
	assert(again.count == c->count);
	assert(again.epoch.number == c->epoch.number);
	assert(!capacity_is_newer(&again.epoch, &c->epoch));
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct capacity c;
	struct arena arena;

	arena_init(&arena, ARENA_MAX);
	if (capacity_read(&c, &arena, slice_make(bytes, len)))
		check(&c, &arena);
	arena_fini(&arena);
	return 0;
}
