#pragma once
/*
 * reply: how a settled request leaves: the answer it relayed, or its failure
 * in the caller's dialect, as a body or as the last event of a stream.
 */

struct request;

/*
 * The HTTP status that says how it ended.  A stream's head was 200 already
 * when it fails later: then this is what it came to, for its row.
 */
int reply_status(const struct request *r);

/* Nothing when the caller left, or the edge itself has answered. */
void reply(struct request *r);
