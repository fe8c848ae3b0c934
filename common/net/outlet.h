#pragma once
/*
 * outlet: the body of a streamed answer on its way into one non-blocking
 * socket, framed in HTTP/1.1 chunks when the client takes them.  Bounded;
 * what is put while the socket is full waits.  The last chunk is not written
 * here.
 */
#include <sys/types.h>

#include "common/base/buf.h"

#define OUTLET_CALM (64 * 1024) /* more than this waiting: please stop */
#define OUTLET_HEAD 20          /* a chunk's size in hex, CRLF */

struct outlet {
	int fd; /* -1 until opened */
	bool chunked;
	struct buf body; /* payload not yet in the socket */

	/* What is left to send of the chunk under way. */
	char head[OUTLET_HEAD];
	size_t head_at, head_len;
	size_t payload_left; /* the first bytes of body */
	size_t tail_left;    /* of its CRLF */
};

void outlet_init(struct outlet *o);

void outlet_fini(struct outlet *o);

/* The head of the answer is in the socket; the body may follow. */
void outlet_open(struct outlet *o, int fd, bool chunked);

/* Copy; false when it could not be held, which breaks the answer. */
must_check bool outlet_put(struct outlet *o, struct slice bytes);

/*
 * Move up to `max` bytes of what waits to `room`, unframed, for an outlet that
 * is never opened: somebody else has the socket.
 */
size_t outlet_take(struct outlet *o, char *room, size_t max);

/* Payload that waits. */
size_t outlet_waiting(const struct outlet *o);

enum outlet_flow {
	OUTLET_EMPTY, /* all is in the socket, framing included */
	OUTLET_FULL,  /* the socket takes no more now */
	OUTLET_BROKEN /* the client is gone */
};

/* Send what the socket takes; *sent is the payload it took. */
enum outlet_flow outlet_flush(struct outlet *o, size_t *sent);
