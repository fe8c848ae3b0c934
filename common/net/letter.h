#pragma once
/*
 * letter: what a transfer sends: checked header lines and the body's pieces,
 * copied into one block that is wiped at the end, for it holds the key.  The
 * lines are spelt as libcurl wants them ("name;" is an empty value, "name:"
 * suppresses a default).  The body's bytes stay the caller's.
 */
#include "common/base/slice.h"

#define LETTER_LINES_MAX 64
/* A body in pieces up to this size is copied too, into one piece. */
#define LETTER_JOIN_BYTES 32768

struct transfer_request;

struct letter {
	char *lines[LETTER_LINES_MAX];
	size_t line_count;
	struct slice *pieces;
	size_t piece_count;
	size_t body_bytes;
	size_t piece, piece_at; /* what letter_read gives next */
	void *block;
	size_t secret_bytes; /* of the block, at its front */
};

/*
 * False when a field is not sound: no token for a name, control characters
 * in the value, a name that is the library's to send, the auth field twice,
 * or too many of them.  Nothing is to be freed then.
 */
must_check bool letter_init(struct letter *l, const struct transfer_request *r);

/* Wipes. */
void letter_fini(struct letter *l);

/* The next bytes of the body; 0 at its end. */
size_t letter_read(struct letter *l, char *to, size_t room);
