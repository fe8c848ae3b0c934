#pragma once
/*
 * picture: the size of a PNG, JPEG, GIF or WebP image, read from the first
 * bytes of its base64 and nothing more.  Pure.
 */
#include "common/base/slice.h"

struct picture {
	int64_t width, height; /* pixels, both positive */
};

/* False when it is none of those, or does not tell within the first 64 KB. */
must_check bool picture_read(struct picture *picture, struct slice base64);
