#pragma once
/*
 * wire: HTTP around an answer: its head with what the script adds to it, and
 * errors, whole.  Appends bytes to a text.
 */
#include "tests/sim/dialect.h"

#define WIRE_CHUNKED SIZE_MAX

/* Length is that of the body to follow, or WIRE_CHUNKED. */
void wire_head(struct text *out, const struct dialect *d, const struct reply *r,
    const char *type, size_t length);

/*
 * Head and body of an error: this one by name, or, with "", the script's.
 * The status it has.
 */
uint64_t wire_refuse(struct text *out, const struct dialect *d,
    const struct reply *r, const char *name);
