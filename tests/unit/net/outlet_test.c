#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/outlet.h"

struct pipe {
	int ours, theirs;
};

static struct pipe
open_pipe(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
			     fds),
	    0);
	return (struct pipe){ fds[0], fds[1] };
}

static void
read_some(int fd, struct buf *in)
{
	ssize_t n;

	do {
		uint8_t *room = buf_room(in, 4096);

		assert_non_null(room);
		n = read(fd, room, 4096);
		if (n > 0)
			buf_grow(in, (size_t)n);
	} while (n > 0);
}

/* Undo the chunks; gives false unless it ends at the end of a chunk. */
static bool
unchunk(struct slice in, struct buf *out)
{
	while (in.len > 0) {
		char *end;
		size_t size = strtoul(in.ptr, &end, 16);
		size_t head = (size_t)(end - in.ptr) + 2;

		if (size == 0 || in.len < head + size + 2 ||
		    memcmp(end, "\r\n", 2) != 0 ||
		    memcmp(end + 2 + size, "\r\n", 2) != 0)
			return false;
		buf_put(out, end + 2, size);
		in = slice_after(in, head + size + 2);
	}
	return true;
}

static void
test_frames_what_was_put(void **state)
{
	struct pipe p = open_pipe();
	struct outlet o;
	struct buf in;
	size_t sent;

	(void)state;
	outlet_init(&o);
	buf_init(&in, 1 << 16);
	assert_true(outlet_put(&o, slice_of("before the head is out ")));
	outlet_open(&o, p.ours, true);
	assert_true(outlet_put(&o, slice_of("and after")));
	assert_int_equal(outlet_waiting(&o), 32);
	assert_int_equal(outlet_flush(&o, &sent), OUTLET_EMPTY);
	assert_int_equal(sent, 32);
	assert_int_equal(outlet_waiting(&o), 0);
	read_some(p.theirs, &in);
	assert_string_equal(buf_text(&in),
	    "20\r\nbefore the head is out and after\r\n");
	assert_int_equal(outlet_flush(&o, &sent), OUTLET_EMPTY);
	assert_int_equal(sent, 0);
	buf_fini(&in);
	outlet_fini(&o);
	close(p.ours);
	close(p.theirs);
}

/* Whatever the socket takes at a time, bytes and chunks come out whole. */
static void
test_any_partial_write_keeps_the_stream(void **state)
{
	struct pipe p = open_pipe();
	struct outlet o;
	struct buf in, want, got;
	size_t sent, all = 0;
	unsigned i;
	int bytes = 4096;
	enum outlet_flow flow = OUTLET_EMPTY;

	(void)state;
	setsockopt(p.ours, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	outlet_init(&o);
	buf_init(&in, 1 << 24);
	buf_init(&want, 1 << 24);
	buf_init(&got, 1 << 24);
	outlet_open(&o, p.ours, true);
	for (i = 0; i < 400 || flow != OUTLET_EMPTY; i++) {
		char piece[3000];
		size_t n = i < 400 ? (i * 7919u) % sizeof(piece) : 0;

		memset(piece, 'a' + (int)(i % 26), sizeof(piece));
		assert_true(outlet_put(&o, slice_make(piece, n)));
		buf_put(&want, piece, n);
		flow = outlet_flush(&o, &sent);
		assert_int_not_equal(flow, OUTLET_BROKEN);
		all += sent;
		assert_int_equal(all + outlet_waiting(&o), want.len);
		if (i % 3 == 0 || i >= 400)
			read_some(p.theirs, &in);
	}
	read_some(p.theirs, &in);
	assert_true(unchunk(buf_slice(&in), &got));
	assert_true(slice_eq(buf_slice(&got), buf_slice(&want)));
	buf_fini(&in);
	buf_fini(&want);
	buf_fini(&got);
	outlet_fini(&o);
	close(p.ours);
	close(p.theirs);
}

static void
test_plain_for_old_clients(void **state)
{
	struct pipe p = open_pipe();
	struct outlet o;
	struct buf in;
	size_t sent;

	(void)state;
	outlet_init(&o);
	buf_init(&in, 1 << 16);
	outlet_open(&o, p.ours, false);
	assert_true(outlet_put(&o, slice_of("plain")));
	assert_int_equal(outlet_flush(&o, &sent), OUTLET_EMPTY);
	read_some(p.theirs, &in);
	assert_string_equal(buf_text(&in), "plain");
	buf_fini(&in);
	outlet_fini(&o);
	close(p.ours);
	close(p.theirs);
}

static void
test_a_client_that_left_is_told(void **state)
{
	struct pipe p = open_pipe();
	struct outlet o;
	size_t sent;

	(void)state;
	outlet_init(&o);
	outlet_open(&o, p.ours, true);
	close(p.theirs);
	assert_true(outlet_put(&o, slice_of("lost")));
	assert_int_equal(outlet_flush(&o, &sent), OUTLET_BROKEN);
	assert_int_equal(sent, 0);
	outlet_fini(&o);
	close(p.ours);
}

/* Without a socket of its own, somebody else comes for the bytes. */
static void
test_bytes_are_taken_in_order(void **state)
{
	char room[8];
	struct outlet o;

	(void)state;
	outlet_init(&o);
	assert_true(outlet_put(&o, slice_of("and after")));
	assert_int_equal(outlet_take(&o, room, 4), 4);
	assert_memory_equal(room, "and ", 4);
	assert_int_equal(outlet_waiting(&o), 5);
	assert_int_equal(outlet_take(&o, room, sizeof(room)), 5);
	assert_memory_equal(room, "after", 5);
	assert_int_equal(outlet_take(&o, room, sizeof(room)), 0);
	outlet_fini(&o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_what_was_put),
		cmocka_unit_test(test_any_partial_write_keeps_the_stream),
		cmocka_unit_test(test_plain_for_old_clients),
		cmocka_unit_test(test_a_client_that_left_is_told),
		cmocka_unit_test(test_bytes_are_taken_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
