#pragma once
/*
 * blob: where opaque blobs stand in parsed JSON: what a provider gives for
 * its own later use, bound to the account that made it.
 *
 *	Messages    thinking: signature; redacted_thinking: data
 *	Responses   reasoning, compaction: encrypted_content
 *
 * Pure; any thread.
 */
#include "common/llm/shape.h"

struct edits;
struct json_value;

struct blob {
	const struct json_value *value; /* a string that is not empty */
	/*
	 * The block or item, or a stream's signature_delta, which has to go
	 * with it; the array that lists it (NULL: it is in no list); the
	 * message of a Messages request that has this array as its content
	 * (NULL in all else).
	 */
	const struct json_value *holder, *list, *message;
};

/* The blob of a block, item or delta; NULL when it has none. */
const struct json_value *blob_of(const struct json_value *holder,
    enum dialect dialect);

/*
 * All blobs, in order of place.  A request is a body to send; anything else
 * an answer, whole or one event of its stream, whichever it is.  What has
 * other types than the dialect's is passed by; Chat has none.
 */
void blob_each(const struct json_value *root, enum dialect dialect,
    bool request, void (*each)(void *arg, const struct blob *blob), void *arg);

/*
 * Leave out of a request the blocks or items whose blob `goes` says, and the
 * thinking that was told here without any; gives how many.  A message that had
 * nothing else goes too.  It may be asked twice of a blob; e->failed tells that
 * they were too many.
 */
size_t blob_cut(struct edits *e, enum dialect dialect,
    bool (*goes)(void *arg, const struct json_value *blob), void *arg);

/*
 * Does a Messages request ask for thinking with a budget though it goes on
 * from results of calls that do not begin with thinking?  The API refuses it.
 */
bool blob_loop_is_bare(const struct json_value *root);
