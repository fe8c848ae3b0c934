#include "common/net/control.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/log.h"

#define PATH_BYTES 108 /* of sockaddr_un */
#define ANSWER_MAX (16 * 1024 * 1024)
#define HEAD_MAX   (64 * 1024)
#define WAIT_MS    30000
#define READ_BYTES (64 * 1024)

void
control_path(char path[PATH_BYTES], const char *state_dir)
{
	int n = snprintf(path, PATH_BYTES, "%s/control.sock", state_dir);

	if (n < 0 || n >= PATH_BYTES)
		path[0] = '\0';
}

/* -1 with errno as connect leaves it. */
static int
dial(const char *state_dir)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd;

	static_assert(sizeof(at.sun_path) == PATH_BYTES, "path of a socket");
	control_path(at.sun_path, state_dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

static bool
wait_for(int fd, short events, int64_t until_us)
{
	struct pollfd one = { .fd = fd, .events = events };
	int n;

	do {
		int64_t left_us = max_i64(until_us - clock_mono_us(), 0);

		n = poll(&one, 1, (int)(left_us / US_PER_MS));
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static bool
send_all(int fd, struct slice bytes, int64_t until_us)
{
	while (bytes.len > 0) {
		ssize_t n =
		    send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (n < 0 && !wait_for(fd, POLLOUT, until_us))
			return false;
		if (n > 0)
			bytes = slice_after(bytes, (size_t)n);
	}
	return true;
}

/* Everything until the daemon closes; it was asked to close. */
static bool
receive_all(int fd, struct buf *in, int64_t until_us)
{
	for (;;) {
		uint8_t *room;
		ssize_t n;

		if (!wait_for(fd, POLLIN, until_us))
			return false;
		room = buf_room(in, READ_BYTES);
		if (room == NULL)
			return false;
		n = recv(fd, room, READ_BYTES, 0);
		if (n == 0)
			return true;
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			buf_grow(in, (size_t)n);
	}
}

/* Cut the first line off; false when there is no CRLF. */
static bool
take_line(struct slice *rest, struct slice *line)
{
	const char *end = NULL;

	if (rest->len > 0)
		end = memmem(rest->ptr, rest->len, "\r\n", 2);
	if (end == NULL)
		return false;
	*line = slice_make(rest->ptr, (size_t)(end - rest->ptr));
	*rest = slice_after(*rest, line->len + 2);
	return true;
}

static bool
is_field(struct slice line, const char *name, struct slice *value)
{
	size_t n = strlen(name);

	if (line.len <= n || line.ptr[n] != ':' ||
	    strncasecmp(line.ptr, name, n) != 0)
		return false;
	*value = slice_after(line, n + 1);
	while (value->len > 0 && value->ptr[0] == ' ')
		*value = slice_after(*value, 1);
	return true;
}

/* A number up to ANSWER_MAX at the beginning, in base 10 or 16. */
static bool
parse_size(struct slice s, int base, size_t *size)
{
	char text[16], *end;
	size_t n = min_size(s.len, sizeof(text) - 1);

	if (n == 0 || strchr("+- \t", s.ptr[0]) != NULL)
		return false;
	memcpy(text, s.ptr, n);
	text[n] = '\0';
	*size = strtoul(text, &end, base);
	return end != text && *end == '\0' && *size <= ANSWER_MAX;
}

static bool
copy_chunks(struct slice rest, struct buf *answer)
{
	struct slice line;
	size_t size;

	while (take_line(&rest, &line)) {
		if (!parse_size(line, 16, &size))
			return false;
		if (size == 0)
			return true;
		if (rest.len < size + 2)
			return false;
		buf_put(answer, rest.ptr, size);
		rest = slice_after(rest, size + 2);
	}
	return false;
}

/* A whole answer, or false: what breaks off is never taken for one. */
static bool
parse_answer(struct slice in, int *status, struct buf *answer)
{
	bool chunked = false, has_length = false;
	struct slice line, value;
	size_t length = 0, code;

	if (!take_line(&in, &line) || !slice_starts(line, "HTTP/1.1 ") ||
	    line.len < 12)
		return false;
	if (!parse_size(slice_make(line.ptr + 9, 3), 10, &code))
		return false;
	*status = (int)code;
	do {
		if (!take_line(&in, &line))
			return false;
		if (is_field(line, "Content-Length", &value)) {
			has_length = parse_size(value, 10, &length);
			if (!has_length)
				return false;
		}
		if (is_field(line, "Transfer-Encoding", &value))
			chunked = slice_is(value, "chunked");
	} while (line.len > 0);
	if (chunked)
		return copy_chunks(in, answer) && !answer->failed;
	if (!has_length || in.len != length)
		return false;
	buf_put_slice(answer, in);
	return !answer->failed;
}

static bool
ask(int fd, struct slice head, struct slice body, struct buf *in)
{
	int64_t until_us = clock_mono_us() + (int64_t)WAIT_MS * US_PER_MS;

	return send_all(fd, head, until_us) && send_all(fd, body, until_us) &&
	       receive_all(fd, in, until_us);
}

enum control_result
control_call(const char *state_dir, const char *method, const char *target,
    struct slice body, int *status, struct buf *answer)
{
	enum control_result result = CONTROL_BROKEN;
	struct buf head, in;
	int fd = dial(state_dir);

	if (fd < 0 && (errno == ENOENT || errno == ECONNREFUSED))
		return CONTROL_NO_DAEMON;
	if (fd < 0) {
		log_error("the control socket cannot be used",
		    log_str("state", state_dir), log_int("errno", errno));
		return CONTROL_BROKEN;
	}
	buf_init(&head, HEAD_MAX);
	buf_init(&in, HEAD_MAX + ANSWER_MAX + READ_BYTES);
	buf_printf(&head,
	    "%s %s HTTP/1.1\r\nHost: control\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n\r\n",
	    method, target, body.len);
	if (!head.failed && ask(fd, buf_slice(&head), body, &in) &&
	    parse_answer(buf_slice(&in), status, answer))
		result = CONTROL_OK;
	else
		log_error("the daemon did not answer whole",
		    log_str("method", method), log_str("target", target));
	close(fd);
	buf_fini(&head);
	buf_fini(&in);
	return result;
}
