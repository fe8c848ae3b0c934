#include "common/net/outlet.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define HOLD_MAX  (16 * 1024 * 1024) /* far beyond what a putter may put */
#define KEEP_MAX  (16 * 1024)        /* storage kept while nothing waits */
#define CHUNK_MAX (1024 * 1024)

void
outlet_init(struct outlet *o)
{
	*o = (struct outlet){ .fd = -1 };
	buf_init(&o->body, HOLD_MAX);
}

void
outlet_fini(struct outlet *o)
{
	buf_fini(&o->body);
}

void
outlet_open(struct outlet *o, int fd, bool chunked)
{
	assert(o->fd < 0);
	o->fd = fd;
	o->chunked = chunked;
}

bool
outlet_put(struct outlet *o, struct slice bytes)
{
	buf_put_slice(&o->body, bytes);
	return !o->body.failed;
}

size_t
outlet_waiting(const struct outlet *o)
{
	return o->body.len;
}

/* Storage that one slow moment needed is not kept for the stream's life. */
static void
forget_much(struct outlet *o)
{
	if (o->body.len == 0 && o->body.cap > KEEP_MAX)
		buf_fini(&o->body);
}

size_t
outlet_take(struct outlet *o, char *room, size_t max)
{
	size_t n = min_size(max, o->body.len);

	assert(o->fd < 0);
	if (n == 0)
		return 0;
	memcpy(room, o->body.data, n);
	buf_drop(&o->body, n);
	forget_much(o);
	return n;
}

static bool
under_way(const struct outlet *o)
{
	return o->head_at < o->head_len || o->payload_left > 0 ||
	       o->tail_left > 0;
}

static void
begin_chunk(struct outlet *o)
{
	o->payload_left = min_size(o->body.len, CHUNK_MAX);
	if (!o->chunked)
		return;
	o->head_at = 0;
	o->head_len = (size_t)snprintf(o->head, sizeof(o->head), "%zx\r\n",
	    o->payload_left);
	o->tail_left = 2;
}

/* Take `n` sent bytes off what is left; gives how many were payload. */
static size_t
account(struct outlet *o, size_t n)
{
	size_t head = min_size(n, o->head_len - o->head_at);
	size_t payload = min_size(n - head, o->payload_left);

	o->head_at += head;
	o->payload_left -= payload;
	o->tail_left -= n - head - payload;
	buf_drop(&o->body, payload);
	return payload;
}

static ssize_t
send_chunk(struct outlet *o)
{
	static const char crlf[] = "\r\n";
	struct iovec parts[3] = {
		{ o->head + o->head_at, o->head_len - o->head_at },
		{ o->body.data, o->payload_left },
		{ (char *)crlf + (2 - o->tail_left), o->tail_left },
	};
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 3 };
	ssize_t n;

	do {
		n = sendmsg(o->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	return n;
}

enum outlet_flow
outlet_flush(struct outlet *o, size_t *sent)
{
	ssize_t n;

	*sent = 0;
	assert(o->fd >= 0);
	while (under_way(o) || o->body.len > 0) {
		if (!under_way(o))
			begin_chunk(o);
		n = send_chunk(o);
		if (n < 0)
			return errno == EAGAIN ? OUTLET_FULL : OUTLET_BROKEN;
		*sent += account(o, (size_t)n);
		if (under_way(o))
			return OUTLET_FULL;
	}
	forget_much(o);
	return OUTLET_EMPTY;
}
