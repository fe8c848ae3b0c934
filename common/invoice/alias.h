#pragma once
/*
 * alias: which model an invoice means.  Providers write one model in several
 * ways: "gpt-5-mini-2025-08-07" for gpt-5-mini, "Claude Haiku 4.5" for
 * claude-haiku-4-5-20251001.  So names are compared in lower case, with
 * hyphens for blanks, dots and underscores, and without a date or "latest" at
 * their end; others are told to be the same by whoever asks.  Pure.
 */
#include "common/base/slice.h"

struct buf;

#define ALIAS_MAX   64
#define MODEL_BYTES 128 /* with the NUL; longer names are cut */

struct aliases {
	size_t count;
	struct {
		char from[MODEL_BYTES], to[MODEL_BYTES];
	} of[ALIAS_MAX];
};

/* "NAME=MODEL"; false and one line in `why`. */
must_check bool alias_add(struct aliases *a, struct slice text,
    struct buf *why);

/* The name that all names of a model have in common. */
void alias_fold(const struct aliases *a, struct slice name,
    char folded[MODEL_BYTES]);
