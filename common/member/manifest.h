#pragma once
/*
 * manifest: which files a backup has, with their sizes and hashes, and whose
 * it is: manifest.json beside them, written last, so that a directory without
 * one is no backup.  Files are those of a state directory and of its store,
 * by paths relative to it; nothing else is believed of a manifest.
 */
#include "common/base/crypto.h"
#include "common/member/identity.h"

#define MANIFEST_NAME      "manifest.json"
#define MANIFEST_NAME_MAX  95
#define MANIFEST_FILES_MAX 16384

struct manifest_file {
	char name[MANIFEST_NAME_MAX + 1]; /* "vault", "store/000012.sst" */
	int64_t bytes;
	struct hash hash;
};

struct manifest {
	char mesh[NAME_CHARS_MAX + 1], member[NAME_CHARS_MAX + 1];
	enum member_role role;
	int64_t made_us;
	struct manifest_file *files;
	size_t count;
};

void manifest_fini(struct manifest *m);

/* A state directory's own file, or one of a store. */
must_check bool manifest_name_ok(struct slice name);

/* Add the file of that name below `dir` as it is now.  False and *why. */
must_check bool manifest_add(struct manifest *m, int dir, const char *name,
    struct buf *why);

/* The same, and copy it to the same name below `to`, durably. */
must_check bool manifest_add_copy(struct manifest *m, int dir, const char *name,
    int to, struct buf *why);

/* Add all files of `dir`/store. */
must_check bool manifest_add_store(struct manifest *m, int dir,
    struct buf *why);

must_check bool manifest_write(const struct manifest *m, const char *dir,
    struct buf *why);

/* For manifest_fini also when it fails. */
must_check bool manifest_read(struct manifest *m, const char *dir,
    struct buf *why);

/*
 * Every file of `dir` is as it was written, and there is no other.  Each is
 * copied to the same name below `to`; -1: none is.
 */
must_check bool manifest_check(const struct manifest *m, int dir, int to,
    struct buf *why);
