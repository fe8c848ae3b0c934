#pragma once
/*
 * ownership: what own.def says, row by row, for who explains it.  Pure.
 */
#include "common/llm/allow.h"
#include "common/llm/dialect.h"

struct ownership {
	const char *key;
	unsigned dialects;   /* bits, of those that the key is owned in */
	const char *becomes; /* of the key */
	unsigned leave;      /* a bit of allow.h, or 0 */
	const char *cure;    /* of what is refused, or "" */
};

/* False behind the last row. */
must_check bool ownership_at(struct ownership *row, size_t i);
