#pragma once
/*
 * keyfile: Ed25519 signing keys in files of mode 0600: one line, the seed and
 * the public key in base64.  A file that others may read is refused.
 */
#include "common/base/crypto.h"

struct buf;

/* Make a key and its file; refuses to replace one.  False and `why`. */
must_check bool keyfile_make(const char *path, struct public_key *public,
    struct buf *why);

/* NULL and `why`. */
struct secret *keyfile_read(const char *path, struct buf *why);

/*
 * A public key by its text, or by a file: one that holds the text, or a
 * signing key's.  False and `why`.
 */
must_check bool keyfile_public(const char *text_or_path,
    struct public_key *public, struct buf *why);
