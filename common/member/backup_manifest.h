#pragma once
/*
 * backup_manifest: which files a backup has, with their sizes and hashes, and
 * whose it is: manifest.json beside them, written last, so that a directory
 * without one is no backup.  Files are those of a state directory and of its
 * store, by paths relative to it; nothing else is believed of a manifest.
 */
#include "common/base/crypto.h"
#include "common/member/identity.h"

#define BACKUP_MANIFEST  "manifest.json"
#define BACKUP_NAME_MAX  95
#define BACKUP_FILES_MAX 16384

struct backup_file {
	char name[BACKUP_NAME_MAX + 1]; /* "vault", "store/000012.sst" */
	int64_t bytes;
	struct hash hash;
};

struct backup_manifest {
	char mesh[NAME_CHARS_MAX + 1], member[NAME_CHARS_MAX + 1];
	enum member_role role;
	int64_t made_us;
	struct backup_file *files;
	size_t count;
};

void backup_manifest_fini(struct backup_manifest *m);

/* A state directory's own file, or one of a store. */
must_check bool backup_manifest_name_ok(struct slice name);

/* Add the file of that name below `dir` as it is now.  False and *why. */
must_check bool backup_manifest_add(struct backup_manifest *m, int dir,
    const char *name, struct buf *why);

/* The same, and copy it to the same name below `to`, durably. */
must_check bool backup_manifest_add_copy(struct backup_manifest *m, int dir,
    const char *name, int to, struct buf *why);

/* Add all files of `dir`/store. */
must_check bool backup_manifest_add_store(struct backup_manifest *m, int dir,
    struct buf *why);

must_check bool backup_manifest_write(const struct backup_manifest *m,
    const char *dir, struct buf *why);

/* For backup_manifest_fini also when it fails. */
must_check bool backup_manifest_read(struct backup_manifest *m, const char *dir,
    struct buf *why);

/*
 * Every file of `dir` is as it was written, and there is no other.  Each is
 * copied to the same name below `to`; -1: none is.
 */
must_check bool backup_manifest_check(const struct backup_manifest *m, int dir,
    int to, struct buf *why);
