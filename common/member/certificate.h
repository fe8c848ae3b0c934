#pragma once
/*
 * certificate: what the member shows those who come by TLS, and its key, read
 * from the files that its topology names.  A value of its reader.
 */
#include "common/base/crypto.h"

struct buf;
struct tls_files;
struct secret;

struct certificate {
	struct secret *chain; /* PEM, NUL-terminated; NULL: none is named */
	struct secret *key;   /* the same */
	struct hash hash;     /* of both */
};

/*
 * Read both files: regular, of moderate size, the key not for everybody's
 * eyes, and one of the other.  `name` is the
 * topology's key, for messages.  False and a line of `why` else.
 */
must_check bool certificate_read(struct certificate *c,
    const struct tls_files *tls, const char *name, struct buf *why);

void certificate_fini(struct certificate *c);
