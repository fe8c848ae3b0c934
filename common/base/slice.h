#pragma once
/*
 * slice: bytes that somebody else owns, with their length.  A slice is a
 * value, is never NUL-terminated, and is good for as long as its owner says.
 */
#include <string.h>

#include "common/base/lang.h"

struct slice {
	const char *ptr; /* may be NULL when len is 0 */
	size_t len;
};

/* Print a slice with "%.*s". */
#define SLICE_FMT(s) (int)(s).len, (s).ptr

static inline struct slice
slice_make(const void *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

/* A NULL string gives the empty slice. */
static inline struct slice
slice_of(const char *text)
{
	return (struct slice){ text, text != NULL ? strlen(text) : 0 };
}

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool
slice_is(struct slice s, const char *text)
{
	return slice_eq(s, slice_of(text));
}

static inline bool
slice_starts(struct slice s, const char *prefix)
{
	size_t n = strlen(prefix);

	return s.len >= n && memcmp(s.ptr, prefix, n) == 0;
}

/* The rest of `s` after its first `n` bytes; empty when it has fewer. */
static inline struct slice
slice_after(struct slice s, size_t n)
{
	if (n >= s.len)
		return (struct slice){ NULL, 0 };
	return (struct slice){ s.ptr + n, s.len - n };
}

/* Cut off what stands before the next `end`, which goes too; all of it when
 * there is none. */
static inline struct slice
slice_cut(struct slice *rest, char end)
{
	const char *at =
	    rest->len > 0 ? memchr(rest->ptr, end, rest->len) : NULL;
	struct slice part = *rest;

	if (at != NULL)
		part.len = (size_t)(at - rest->ptr);
	*rest = slice_after(*rest, part.len + 1);
	return part;
}
