#pragma once
/*
 * bundle: an export that somebody reads: its manifest, and its files mapped.
 * Only whole ones in JSONL are taken.
 */
#include "common/export/manifest.h"
#include "common/export/tape.h"

struct bundle {
	const char *dir;
	struct manifest manifest;
	struct tape tapes[EXPORT_KINDS];
};

/* False and one line in `why`. */
must_check bool bundle_open(struct bundle *b, const char *dir, struct buf *why);
void bundle_close(struct bundle *b);

/* It has a part of the member's rows only. */
must_check bool bundle_is_window(const struct bundle *b);

/*
 * Is it, to the byte, what the member signed with one of these keys?  Each
 * fault is a line for `finding`; gives how many.
 */
size_t bundle_check(const struct bundle *b, const struct public_key *keys,
    size_t count, void (*finding)(void *arg, const char *line), void *arg);
