#pragma once
/*
 * manifest: what an export is: whose, of when, and of each file how many
 * rows, how many bytes, the last key and the hash.  manifest.json is written
 * anew at every step, so an interrupted export knows how far it came;
 * manifest.sig, there when the export is whole, is the member's signature of
 * its bytes.  So nothing in the folder can be changed afterwards.
 */
#include "common/export/kind.h"

struct secret;

#define EXPORT_FORMAT   1
#define EXPORT_CONTEXT  "gsr/export/v1"
#define EXPORT_KEY_MAX  96 /* bytes of a store's key */
#define MEMBER_NAME_MAX 64
#define MANIFEST_MAX    16384
#define EXPORT_PATH_MAX 4096
#define MANIFEST_NAME   "manifest.json"
#define MANIFEST_SIGNED "manifest.sig"

struct manifest_file {
	bool wanted, whole;
	int64_t rows, bytes, damaged;
	uint8_t last_key[EXPORT_KEY_MAX];
	size_t last_key_len;
	struct hash hash;
};

struct manifest {
	char member[MEMBER_NAME_MAX], mesh[MEMBER_NAME_MAX];
	enum export_encoding encoding;
	int64_t as_of;    /* when it began; microseconds UTC */
	int64_t from, to; /* what was asked for; 0: open */
	bool whole;
	struct manifest_file files[EXPORT_KINDS];
};

/* The file of that name in the folder. */
void manifest_path(char path[EXPORT_PATH_MAX], const char *dir,
    const char *name);

/* False: errno says why. */
must_check bool manifest_save(const struct manifest *m, const char *dir);
must_check bool manifest_sign(const char *dir, const struct secret *key);

enum manifest_read { MANIFEST_READ, MANIFEST_NONE, MANIFEST_BAD };
/* MANIFEST_BAD: one line in `why`. */
enum manifest_read manifest_load(struct manifest *m, const char *dir,
    struct buf *why);

/* Did one of these keys sign the manifest as it stands in the folder? */
must_check bool manifest_is_signed(const char *dir,
    const struct public_key *keys, size_t count);
