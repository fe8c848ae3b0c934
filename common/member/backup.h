#pragma once
/*
 * backup: a state directory at one moment, in a directory of its own, and
 * such a directory made a state directory again.  The keys that open it,
 * identity.key and master.key, come along only when that is said.  Reasons
 * are lines in *why.  For commands: blocking.
 */
#include "common/member/backup_manifest.h"

struct backup {
	const char *state_dir;
	char dir[4096]; /* absolute */
	bool with_identity;
};

/* Makes the directory, which must not be there; b->dir is where it is. */
must_check bool backup_begin(struct backup *b, const char *dir,
    struct buf *why);

/* The store was copied to b->dir/store: the other files, then the manifest.
 * For backup_manifest_fini also when it fails. */
must_check bool backup_finish(const struct backup *b, struct backup_manifest *m,
    struct buf *why);

/* Is it whole, and all of it as it was written? */
must_check bool backup_verify(const char *dir, struct backup_manifest *m,
    struct buf *why);

/*
 * Verify it while it is copied to a new state directory, which is there as a
 * whole or not at all.  One that is there has to be empty.
 */
must_check bool backup_restore(const char *dir, const char *state_dir,
    struct backup_manifest *m, struct buf *why);

/* Has it the keys? */
must_check bool backup_has_identity(const struct backup_manifest *m);
