#pragma once
/*
 * request: one HTTP/1.1 request as it arrives.
 * Parses inside the text it came in; spans are places in that text, and the
 * body is dechunked in place.  It is a provider for tests, so it is lenient
 * about what it need not know and strict about framing.
 */
#include <stdbool.h>

#include "tests/sim/text.h"

#define REQUEST_HEAD_MAX (256 * 1024)
#define REQUEST_BODY_MAX (256 * 1024 * 1024)

enum request_state { REQUEST_MORE, REQUEST_READY, REQUEST_BAD };

struct request {
	size_t head_len; /* with the blank line; 0 while incomplete */
	size_t body_len; /* bytes of body so far, after the head */
	size_t raw;      /* where the bytes not yet looked at begin */
	size_t left;     /* of the body, or of this chunk */
	bool chunked, expect, keep_alive;
	int chunk_step;
	struct span method, path;
	struct span authorization, api_key, attempt, version, beta;
};

/* Look at what has come; READY when head and body are whole. */
enum request_state request_feed(struct request *r, struct text *in);
