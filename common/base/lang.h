#pragma once
/*
 * The few words C lacks that every file here uses.  Nothing in this header
 * allocates or has state.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller has to look at the result; the compiler sees to it. */
#define must_check __attribute__((warn_unused_result))

#define like_printf(fmt, first) __attribute__((format(printf, fmt, first)))

#define count_of(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds `member`, given a pointer to that member. */
#define container_of(pointer, type, member)                                    \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

static inline size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline int64_t
min_i64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The smaller of two, where 0 is none. */
static inline int64_t
least_i64(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return min_i64(a, b);
}

static inline int64_t
max_i64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}
