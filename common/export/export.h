#pragma once
/*
 * export: writes a member's ledger into a folder, a file a kind, through a
 * store opened read-only, beside its daemon or without.  Memory is bounded by
 * a step.  After each step the manifest says how far it came; who resumes
 * cuts what lies beyond and goes on behind the last key, so that of a store
 * at rest the files come out the same as without an interruption.
 */
#include "common/export/manifest.h"

struct secret;

struct export_wish {
	const char *state_dir, *out_dir;
	const char *member, *mesh;
	const struct secret *key; /* the member's, which signs the manifest */
	enum export_encoding encoding;
	bool kinds[EXPORT_KINDS];
	int64_t from, to;  /* wall, microseconds, of the request; 0: open */
	bool resume;       /* then those of the manifest count */
	size_t step_bytes; /* what an interruption loses at most; 0: 1 MiB */
	/* After each step, with the rows so far; false ends it.  NULL: none. */
	bool (*step)(void *arg, enum export_kind k, int64_t rows);
	void *arg;
};

enum export_end {
	EXPORT_WHOLE,
	EXPORT_STOPPED, /* by step: resume it */
	EXPORT_FAILED   /* lines in `why`; what is there can be resumed */
};

/* The manifest as it is at the end is in *m. */
enum export_end export_run(const struct export_wish *wish, struct manifest *m,
    struct buf *why);
