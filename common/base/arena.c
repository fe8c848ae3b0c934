#include "common/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

#define BLOCK_BYTES     2048
#define BLOCK_BYTES_MAX 65536
#define ALIGN_BYTES     16

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(ALIGN_BYTES) uint8_t bytes[];
};

void
arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void
arena_fini(struct arena *a)
{
	struct arena_block *block;

	while ((block = a->blocks) != NULL) {
		a->blocks = block->next;
		free(block);
	}
	a->used = 0;
}

bool
arena_fits(const struct arena *a, size_t bytes)
{
	return bytes <= a->max && a->used <= a->max - bytes;
}

/* Blocks grow with the arena, so that a big one is made of few. */
static struct arena_block *
add_block(struct arena *a, size_t bytes)
{
	size_t size = a->used;
	struct arena_block *block;

	if (size < BLOCK_BYTES)
		size = BLOCK_BYTES;
	if (size > BLOCK_BYTES_MAX)
		size = BLOCK_BYTES_MAX;
	if (size < bytes)
		size = bytes;
	block = xmalloc(sizeof(*block) + size);
	block->next = a->blocks;
	block->used = 0;
	block->size = size;
	a->blocks = block;
	return block;
}

void *
arena_room(struct arena *a, size_t bytes)
{
	struct arena_block *block = a->blocks;
	void *p;

	assert(arena_fits(a, bytes));
	bytes = (bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	if (block == NULL || bytes > block->size - block->used)
		block = add_block(a, bytes);
	p = block->bytes + block->used;
	block->used += bytes;
	a->used += bytes;
	return p;
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
	return memset(arena_room(a, bytes), 0, bytes);
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	return slice_make(arena_text(a, s), s.len);
}

const char *
arena_text(struct arena *a, struct slice s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	return copy;
}

const char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args, again;
	char *text;
	int n;

	va_start(args, fmt);
	va_copy(again, args);
	n = vsnprintf(NULL, 0, fmt, args);
	assert(n >= 0);
	text = arena_alloc(a, (size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(args);
	return text;
}
