#pragma once
/*
 * arena: memory that is freed all at once.  One request, one topology or one
 * parsed document owns one.  Allocations never move and never fail: whoever
 * fills an arena has bounded its input first, and passing the maximum is a
 * bug that aborts.
 */
#include "common/base/slice.h"

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;                /* bytes handed out in all blocks */
	size_t max;
};

void arena_init(struct arena *a, size_t max);

/* Free everything; the arena is as after arena_init. */
void arena_fini(struct arena *a);

/* Is there room for that much?  For input that no other bound covers. */
must_check bool arena_fits(const struct arena *a, size_t bytes);

/* Zeroed, aligned for any type. */
void *arena_alloc(struct arena *a, size_t bytes)
    __attribute__((returns_nonnull));

/* The same but for the zeroes: for what is large and written at once. */
void *arena_room(struct arena *a, size_t bytes)
    __attribute__((returns_nonnull));

/* A NUL-terminated copy; the slice's length does not count the NUL. */
struct slice arena_copy(struct arena *a, struct slice s);

/* The same as a C string. */
const char *arena_text(struct arena *a, struct slice s);

const char *arena_printf(struct arena *a, const char *fmt, ...)
    like_printf(2, 3);

/* Room for one `type`, or for `n` of them. */
#define arena_new(a, type)     ((type *)arena_alloc((a), sizeof(type)))
#define arena_many(a, type, n) ((type *)arena_alloc((a), (n) * sizeof(type)))
