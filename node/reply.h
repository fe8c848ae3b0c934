#pragma once
/*
 * reply: how a settled request leaves: the answer it relayed, or its failure
 * in the caller's dialect, as a body or as the last event of a stream.
 */

struct request;

/* Nothing when the caller left, or the edge itself has answered. */
void reply(struct request *r);
