#include "common/base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

#define BLOCK_BYTES 2048
#define ALIGN_BYTES 16

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

void *
arena_alloc(struct arena *a, size_t bytes)
{
	struct arena_block *block = a->blocks;
	void *p;
	size_t size;

	assert(bytes <= a->max && a->used <= a->max - bytes);
	bytes = (bytes + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	if (block == NULL || bytes > block->size - block->used) {
		size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
		block = xmalloc(sizeof(*block) + size);
		block->next = a->blocks;
		block->used = 0;
		block->size = size;
		a->blocks = block;
	}
	p = block->bytes + block->used;
	block->used += bytes;
	a->used += bytes;
	memset(p, 0, bytes);
	return p;
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
