#pragma once
/*
 * mask: text from outside with every key in it replaced by MASK.  A word is
 * taken for a key when it begins like one, is a long run of hex, or holds a
 * long run that mixes cases and digits; the known secret goes wherever it
 * stands.  Pure.
 */
#include "common/base/slice.h"

struct buf;

#define MASK "[key]"

/* Append the text, masked.  `secret` may be empty. */
void mask_put(struct buf *out, struct slice text, struct slice secret);
