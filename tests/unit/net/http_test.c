#include "tests/unit/net/served.h"

#include <stdio.h>

/* Send one request that ends its connection, give back what was answered. */
static void
ask(const struct served *w, struct buf *in, const char *text)
{
	int fd = dial(w);

	buf_init(in, 16 * 1024 * 1024);
	say(fd, slice_of(text));
	assert_true(hear_all(fd, in));
	close(fd);
}

/* Three on one connection, each when the one before is answered. */
static void
ask_in_turn(const struct served *w, struct buf *in, const char *const texts[3])
{
	int fd = dial(w), i;

	buf_init(in, 16 * 1024 * 1024);
	for (i = 0; i < 3; i++) {
		say(fd, slice_of(texts[i]));
		assert_true(hear_answer(fd, in, false));
	}
	assert_true(hear_all(fd, in));
	close(fd);
}

static bool
has(struct buf *in, const char *text)
{
	return strstr(buf_text(in), text) != NULL;
}

static size_t
count(struct buf *in, const char *text)
{
	const char *at = buf_text(in);
	size_t n = 0;

	while ((at = strstr(at, text)) != NULL) {
		at += strlen(text);
		n++;
	}
	return n;
}

#define END "Host: a\r\nConnection: close\r\n"

static void
test_an_answer_gets_out_whenever_it_is_given(void **state)
{
	static const char *const paths[][2] = { { "/now", "fine" },
		{ "/soon", "soon" }, { "/release", "released" } };
	struct served w;
	struct buf in;
	size_t i;

	(void)state;
	served_start(&w, 10000);
	for (i = 0; i < count_of(paths); i++) {
		char first[128], next[128], last[128];
		const char *const texts[3] = { first, next, last };

		snprintf(first, sizeof(first),
		    "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n"
		    "xx",
		    paths[i][0]);
		snprintf(next, sizeof(next),
		    "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", paths[i][0]);
		snprintf(last, sizeof(last), "GET %s HTTP/1.1\r\n" END "\r\n",
		    paths[i][0]);
		ask_in_turn(&w, &in, texts);
		assert_int_equal(count(&in, "HTTP/1.1 200"), 3);
		assert_int_equal(count(&in, paths[i][1]), 3);
		buf_fini(&in);
	}
	served_stop(&w);
	assert_int_equal(w.gone, 0);
	assert_int_equal(w.done, 9);
}

static void
test_an_answer_from_a_later_turn_wakes_the_connection(void **state)
{
	struct served w;
	struct buf in;
	int fd, i;

	(void)state;
	served_start(&w, 10000);
	fd = dial(&w);
	buf_init(&in, 1 << 20);
	for (i = 0; i < 3; i++) {
		int bodies = w.bodies;

		say(fd, slice_of("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
		while (w.bodies == bodies)
			sched_yield();
		while (!loop_post(w.loop, served_let_go, &w))
			sched_yield();
		while (count(&in, "later") != (size_t)i + 1) {
			uint8_t *room = buf_room(&in, 4096);
			ssize_t n = recv(fd, room, 4096, 0);

			assert_true(n > 0);
			buf_grow(&in, (size_t)n);
		}
	}
	close(fd);
	served_stop(&w);
	buf_fini(&in);
	assert_int_equal(w.gone, 0);
}

static void
test_what_the_application_sees(void **state)
{
	struct served w;
	struct buf in;

	(void)state;
	served_start(&w, 10000);
	ask(&w, &in,
	    "PUT /echo/a%2Fb?p=1&q=%41+b HTTP/1.1\r\n" END
	    "X-Name: the value  \r\nContent-Length: 5\r\n\r\nhello");
	assert_true(has(&in, "\r\n\r\n3|/echo/a%2Fb|%41+b|the value|hello"));
	buf_fini(&in);
	ask(&w, &in, "HEAD /echo HTTP/1.1\r\n" END "\r\n");
	assert_true(has(&in, "Content-Length: 14\r\n"));
	assert_false(has(&in, "none"));
	buf_fini(&in);
	served_stop(&w);
}

static void
test_a_field_that_may_not_be_sent_is_left_out(void **state)
{
	struct served w;
	struct buf in;

	(void)state;
	served_start(&w, 10000);
	ask(&w, &in, "GET / HTTP/1.1\r\n" END "\r\n");
	assert_true(has(&in, "Content-Type: text/plain\r\n"));
	assert_false(has(&in, "X-Split"));
	assert_false(has(&in, "X-Bad"));
	assert_false(has(&in, "gzip"));
	buf_fini(&in);
	served_stop(&w);
}

static void
test_an_early_answer_keeps_the_connection(void **state)
{
	static const char *const early[3] = {
		"POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"
		"hello",
		"GET /early HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n" END "\r\n"
	};
	struct served w;
	struct buf in;

	(void)state;
	served_start(&w, 10000);
	ask_in_turn(&w, &in, early);
	assert_int_equal(count(&in, "HTTP/1.1 401"), 2);
	assert_int_equal(count(&in, "HTTP/1.1 200"), 1);
	buf_fini(&in);
	/* But a body that waits to be asked for is not asked for. */
	ask(&w, &in,
	    "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
	    "Expect: 100-continue\r\n\r\n");
	assert_int_equal(count(&in, "HTTP/1.1 401"), 1);
	assert_int_equal(count(&in, "HTTP/1.1 100"), 0);
	buf_fini(&in);
	served_stop(&w);
	assert_int_equal(w.bodies, 1);
}

/* The chunks of a stream put together again; *ended at the last chunk. */
static void
unchunk(struct buf *in, struct buf *out, bool *ended)
{
	const char *at = strstr(buf_text(in), "\r\n\r\n");
	const char *end = (const char *)in->data + in->len;

	*ended = false;
	assert_non_null(at);
	for (at += 4; at < end;) {
		char *data;
		size_t size = strtoul(at, &data, 16);

		data += 2;
		if (size == 0) {
			*ended = memcmp(data - 2, "\r\n\r\n", 4) == 0;
			return;
		}
		assert_true(data + size + 2 <= end);
		buf_put(out, data, size);
		at = data + size + 2;
	}
}

#define POUR_BYTES 8000000

static void
test_a_slow_reader_slows_the_stream(void **state)
{
	struct served w;
	struct buf in, out;
	bool ended;
	int fd, bytes = 32768;

	(void)state;
	served_start(&w, 10000);
	fd = dial(&w);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	say(fd, slice_of("GET /stream?bytes=8000000 HTTP/1.1\r\n" END "\r\n"));
	while (w.full < 2)
		sched_yield();
	buf_init(&in, 16 * 1024 * 1024);
	buf_init(&out, 16 * 1024 * 1024);
	assert_true(hear_all(fd, &in));
	unchunk(&in, &out, &ended);
	assert_true(ended);
	assert_int_equal(out.len, POUR_BYTES);
	close(fd);
	served_stop(&w);
	assert_int_equal(w.sent, POUR_BYTES);
	assert_true(w.waiting_most < 128 * 1024);
	assert_int_equal(w.gone, 0);
	buf_fini(&in);
	buf_fini(&out);
}

static void
test_streams_end_well_or_visibly_cut(void **state)
{
	static const char *const streams[3] = {
		"GET /stream?bytes=5 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET /stream?bytes=0 HTTP/1.1\r\nHost: a\r\n\r\n",
		"GET / HTTP/1.1\r\n" END "\r\n"
	};
	struct served w;
	struct buf in, out;
	bool ended;

	(void)state;
	served_start(&w, 10000);
	ask_in_turn(&w, &in, streams);
	assert_int_equal(count(&in, "HTTP/1.1 200"), 3);
	assert_int_equal(count(&in, "\r\n0\r\n\r\n"), 2);
	buf_fini(&in);
	ask(&w, &in, "GET /stream?bytes=5 HTTP/1.0\r\n\r\n");
	assert_false(has(&in, "chunked"));
	assert_true(has(&in, "\r\n\r\nfffff"));
	buf_fini(&in);
	assert_int_equal(w.gone, 0);
	ask(&w, &in, "GET /cut HTTP/1.1\r\nHost: a\r\n\r\n");
	buf_init(&out, 1 << 20);
	unchunk(&in, &out, &ended);
	assert_false(ended);
	assert_string_equal(buf_text(&out), "half an ans");
	buf_fini(&in);
	buf_fini(&out);
	served_stop(&w);
	/* The application cut it itself. */
	assert_int_equal(w.gone, 0);
	assert_int_equal(w.done, 5);
}

static void
leave(const struct served *w, const char *text, bool reset)
{
	struct linger hard = { .l_onoff = 1, .l_linger = 0 };
	int bodies = w->bodies, fd = dial(w);

	say(fd, slice_of(text));
	while (w->bodies == bodies)
		sched_yield();
	if (reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(fd);
}

static void
test_a_client_that_leaves_is_noticed(void **state)
{
	struct served w;

	(void)state;
	served_start(&w, 10000);
	leave(&w, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", false);
	while (w.gone < 1)
		sched_yield();
	leave(&w, "GET /wait HTTP/1.1\r\nHost: a\r\n\r\n", true);
	while (w.gone < 2)
		sched_yield();
	leave(&w, "GET /stream?bytes=9000000 HTTP/1.1\r\nHost: a\r\n\r\n",
	    false);
	while (w.gone < 3)
		sched_yield();
	leave(&w, "GET /stream?bytes=9000000 HTTP/1.1\r\nHost: a\r\n\r\n",
	    true);
	while (w.done < 4)
		sched_yield();
	assert_int_equal(w.gone, 4);
	served_stop(&w);
}

/* In the middle of a body: it was shown, so it is told to be over. */
static void
test_a_client_that_leaves_its_body_unfinished(void **state)
{
	struct served w;
	int fd;

	(void)state;
	served_start(&w, 10000);
	fd = dial(&w);
	say(fd,
	    slice_of("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
		     "hell"));
	while (w.heads == 0)
		sched_yield();
	close(fd);
	while (w.done == 0)
		sched_yield();
	served_stop(&w);
	assert_int_equal(w.gone, 1);
	assert_int_equal(w.bodies, 0);
}

/*
 * The end of the client's side comes with its bytes or just after.  It counts
 * as gone, so only an answer that is given at once still reaches it.
 */
static void
test_a_half_closed_client_is_served_what_it_sent(void **state)
{
	static const char *const texts[][2] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "fine" },
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /ha", "fine" },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nh",
		    "" },
		{ "GET / HT", "" },
		{ "", "" },
	};
	struct served w;
	size_t i;

	(void)state;
	/* Longer than the client waits: no deadline ends these. */
	served_start(&w, 2 * WAIT_S * 1000);
	for (i = 0; i < count_of(texts); i++) {
		int fd = dial(&w);
		struct buf in;

		say(fd, slice_of(texts[i][0]));
		shutdown(fd, SHUT_WR);
		buf_init(&in, 1 << 20);
		assert_true(hear_all(fd, &in));
		close(fd);
		assert_true(has(&in, texts[i][1]));
		assert_int_equal(in.len == 0, texts[i][1][0] == '\0');
		buf_fini(&in);
	}
	served_stop(&w);
}

#define POST_60K                                                               \
	"POST /wait HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"

static void
test_bodies_share_one_allowance(void **state)
{
	char body[60000];
	struct served w;
	struct buf in;
	int fds[4], fd, i;

	(void)state;
	memset(body, 'b', sizeof(body));
	served_start(&w, 10000);
	for (i = 0; i < 4; i++) {
		fds[i] = dial(&w);
		say(fds[i], slice_of(POST_60K));
		say(fds[i], slice_make(body, sizeof(body) - 1));
	}
	while (w.memory.held != 4 * 60000)
		sched_yield();
	fd = dial(&w);
	say(fd, slice_of(POST_60K));
	say(fd, slice_make(body, sizeof(body)));
	buf_init(&in, 1 << 20);
	assert_true(hear_answer(fd, &in, false));
	say(fd, slice_of("GET / HTTP/1.1\r\n" END "\r\n"));
	assert_true(hear_all(fd, &in));
	close(fd);
	assert_int_equal(count(&in, "HTTP/1.1 503"), 1);
	assert_int_equal(count(&in, "HTTP/1.1 200"), 1);
	buf_fini(&in);
	for (i = 0; i < 4; i++)
		close(fds[i]);
	/* The server's thread gives back after it has said that it is done. */
	while (w.done < 6 || w.memory.held != 0)
		sched_yield();
	served_stop(&w);
}

static void
test_slow_requests_are_ended(void **state)
{
	struct served w;
	struct buf in;

	(void)state;
	served_start(&w, 60);
	/* Nothing, and half a request line: closed without a word. */
	ask(&w, &in, "");
	assert_int_equal(in.len, 0);
	buf_fini(&in);
	ask(&w, &in, "GET / HTT");
	assert_int_equal(in.len, 0);
	buf_fini(&in);
	ask(&w, &in, "GET / HTTP/1.1\r\nHost: a\r\n");
	assert_true(has(&in, "HTTP/1.1 408 "));
	assert_true(has(&in, "Connection: close"));
	buf_fini(&in);
	ask(&w, &in,
	    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell");
	assert_true(has(&in, "HTTP/1.1 408 "));
	buf_fini(&in);
	/* Answered before its body came, which it never does. */
	ask(&w, &in,
	    "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell");
	assert_true(has(&in, "HTTP/1.1 401 "));
	assert_true(has(&in, "\r\n\r\nearly"));
	buf_fini(&in);
	/* Kept alive, and then silent. */
	ask(&w, &in, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_true(has(&in, "HTTP/1.1 200 "));
	buf_fini(&in);
	served_stop(&w);
	assert_int_equal(w.gone, 0);
}

/* A byte now and then resets no clock. */
static void
test_a_dripping_head_is_ended(void **state)
{
	struct served w;
	char c = 'x';
	int fd;

	(void)state;
	served_start(&w, 60);
	fd = dial(&w);
	say(fd, slice_of("GET / HTTP/1.1\r\nHost: a\r\nX: "));
	while (send(fd, &c, 1, MSG_NOSIGNAL) == 1)
		usleep(5000);
	close(fd);
	served_stop(&w);
	assert_int_equal(w.refused, 1);
	assert_int_equal(w.bodies, 0);
}

static void
drain(void *arg)
{
	struct served *w = arg;

	http_server_drain(w->server);
	served_let_go(w);
}

static void
test_draining_ends_connections_after_their_answer(void **state)
{
	struct served w;
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct buf in;
	int fd, late = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	served_start(&w, 10000);
	fd = dial(&w);
	say(fd, slice_of("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
	while (w.bodies == 0)
		sched_yield();
	assert_true(loop_post(w.loop, drain, &w));
	buf_init(&in, 1 << 20);
	assert_true(hear_all(fd, &in));
	assert_true(has(&in, "Connection: close"));
	assert_true(has(&in, "later"));
	at.sin_port = htons((uint16_t)w.port);
	assert_int_equal(connect(late, (struct sockaddr *)&at, sizeof(at)), -1);
	close(late);
	close(fd);
	buf_fini(&in);
	served_stop(&w);
}

static void
test_freeing_ends_what_is_under_way(void **state)
{
	struct served w;
	int fds[3], i;

	(void)state;
	served_start(&w, 10000);
	for (i = 0; i < 3; i++)
		fds[i] = dial(&w);
	say(fds[0], slice_of("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n"));
	while (w.bodies < 1)
		sched_yield();
	say(fds[1], slice_of("POST / HTTP/1.1\r\nHost: a\r\n"
			     "Content-Length: 9\r\n\r\nhell"));
	say(fds[2], slice_of("GET / HT"));
	while (w.heads < 2 || w.memory.held == 0)
		sched_yield();
	served_stop(&w);
	assert_int_equal(w.gone, 2);
	assert_int_equal(w.done, 2);
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_answer_gets_out_whenever_it_is_given),
		cmocka_unit_test(
		    test_an_answer_from_a_later_turn_wakes_the_connection),
		cmocka_unit_test(test_what_the_application_sees),
		cmocka_unit_test(test_a_field_that_may_not_be_sent_is_left_out),
		cmocka_unit_test(test_an_early_answer_keeps_the_connection),
		cmocka_unit_test(test_a_slow_reader_slows_the_stream),
		cmocka_unit_test(test_streams_end_well_or_visibly_cut),
		cmocka_unit_test(test_a_client_that_leaves_is_noticed),
		cmocka_unit_test(test_a_client_that_leaves_its_body_unfinished),
		cmocka_unit_test(
		    test_a_half_closed_client_is_served_what_it_sent),
		cmocka_unit_test(test_bodies_share_one_allowance),
		cmocka_unit_test(test_slow_requests_are_ended),
		cmocka_unit_test(test_a_dripping_head_is_ended),
		cmocka_unit_test(
		    test_draining_ends_connections_after_their_answer),
		cmocka_unit_test(test_freeing_ends_what_is_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
