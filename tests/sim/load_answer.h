#pragma once
/*
 * load_answer: one HTTP answer as it arrives at the load client: where it
 * ends, its status, and the SSE events in it.  Understands chunked bodies,
 * Content-Length, and bodies that end with the connection.  Keeps no bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum answer_step {
	ANSWER_HEAD,
	ANSWER_SIZE, /* the line with a chunk's size, or the blank before it */
	ANSWER_BYTES,
	ANSWER_TRAILER,
	ANSWER_WHOLE,
	ANSWER_BAD
};

struct answer {
	enum answer_step step;
	int status;
	bool chunked, measured; /* by chunks; by Content-Length */
	uint64_t left;          /* of the body, or of this chunk */
	uint64_t events;
	bool done;  /* its last event came */
	bool error; /* an event with an error came */
	char line[512];
	size_t line_len;
	char event[32]; /* how the event under way begins */
	size_t event_len;
	char last; /* byte of the body */
};

/* Ready for the next answer of a connection. */
void answer_begin(struct answer *a);

/* Look at what came; step says where it stands.  The bytes used. */
size_t answer_feed(struct answer *a, const char *bytes, size_t len);
