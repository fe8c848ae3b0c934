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

/* Overwrite the secret wherever it stands; lengths stay.  It may be empty. */
void mask_over(uint8_t *bytes, size_t len, struct slice secret);

/* Does it stand anywhere in there?  An empty one does not. */
bool mask_wanted(struct slice bytes, struct slice secret);
