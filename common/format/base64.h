#pragma once
/*
 * base64: bytes out of the standard or the URL-safe alphabet, one by one, as
 * it stands inside of a JSON string: a slash may be escaped, lines may be
 * broken.  Padding ends it.  Pure.
 */
#include "common/base/slice.h"

struct base64 {
	const char *at, *end;
	uint32_t bits;
	unsigned count; /* of bits that are still to be given */
};

struct base64 base64_begin(struct slice text);

/* The next byte; -1 at the end, or at what is no letter of it. */
int base64_next(struct base64 *b);
