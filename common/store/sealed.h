#pragma once
/*
 * sealed: an object and the seal that vouches for it, as they travel and rest:
 * one msgpack array of the object's bytes, then the seal's fields.  Reading
 * checks the form; the signature is the reader's to check, by the context of
 * what it expects.  Pure.
 */
#include "common/base/seal.h"

struct buf;

void sealed_write(struct buf *out, struct slice object,
    const struct seal *seal);

/* False when the bytes are no such message; the object lies in them. */
must_check bool sealed_read(struct slice message, struct slice *object,
    struct seal *seal);
