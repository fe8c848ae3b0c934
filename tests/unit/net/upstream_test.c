#include "tests/unit/net/asks.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nX-Test: yes\r\n"
#define OK_FIVE OK_HEAD "Content-Length: 5\r\n\r\nhello"

static void
answers_whole(void **state)
{
	struct lab *l = *state;
	struct ask *a = &l->asks[0];
	const char *sent;

	plan(l, 0, OK_FIVE, KEEP);
	run(l);
	expect_end(a, 1, TRANSFER_OK);
	assert_int_equal(a->status, 200);
	assert_true(slice_is(buf_slice(&a->got), "hello"));
	sent = buf_text(&l->provider.last);
	assert_memory_equal(sent, "POST /v1/x?q=1 HTTP/1.1\r\n", 25);
	assert_non_null(strstr(sent, "\r\nAuthorization: Bearer sk-test\r\n"));
	assert_non_null(strstr(sent, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(sent, "\r\nX-Empty:\r\n"));
	assert_non_null(strstr(sent, "\r\nContent-Length: 13\r\n"));
	assert_non_null(strstr(sent, "\r\n\r\n{\"model\":\"m\"}"));
	assert_null(strstr(sent, "Accept-Encoding"));
	assert_null(strstr(sent, "Expect"));
}

static void
gets_without_a_body(void **state)
{
	struct lab *l = *state;

	l->asks[0].request.body_count = 0;
	l->asks[0].request.key = NULL;
	plan(l, 0, OK_HEAD "Content-Length: 0\r\n\r\n", KEEP);
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	assert_memory_equal(l->provider.last.data, "GET ", 4);
	assert_null(strstr(buf_text(&l->provider.last), "Authorization"));
}

static void
sends_large_bodies_in_order(void **state)
{
	struct lab *l = *state;
	const char *body;

	l->body[0] = slice_make(l->large, sizeof(l->large));
	l->body[1] = slice_of("the end");
	plan(l, 0, OK_FIVE, KEEP);
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	body = strstr(buf_text(&l->provider.last), "\r\n\r\n") + 4;
	assert_memory_equal(body, l->large, sizeof(l->large));
	assert_string_equal(body + sizeof(l->large), "the end");
}

static void
keeps_the_connection(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_FIVE, KEEP);
	plan(l, 1, OK_FIVE, KEEP);
	l->asks[0].then = &l->asks[1];
	run(l);
	expect_end(&l->asks[1], 1, TRANSFER_OK);
	assert_int_equal(l->provider.accepted, 1);
}

static void
passes_over_interim_answers(void **state)
{
	struct lab *l = *state;

	plan(l, 0,
	    "HTTP/1.1 100 Continue\r\n\r\n"
	    "HTTP/1.1 103 Early Hints\r\nX-Test: no\r\n\r\n" OK_HEAD
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "2\r\nhe\r\n3\r\nllo\r\n0\r\nX-Late: 1\r\n\r\n",
	    KEEP);
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	assert_true(slice_is(buf_slice(&l->asks[0].got), "hello"));
}

static void
does_not_follow(void **state)
{
	struct lab *l = *state;
	char answer[200];

	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%u/other\r\n"
	    "Content-Length: 0\r\n\r\n",
	    l->provider.port);
	plan(l, 0, answer, KEEP);
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	assert_int_equal(l->asks[0].status, 302);
	assert_int_equal(l->provider.requests, 1);
}

static void
cut_answer(struct lab *l, const char *answer, enum after after, unsigned heads)
{
	plan(l, 0, answer, after);
	run(l);
	expect_end(&l->asks[0], heads, TRANSFER_TRUNCATED);
}

static void
sees_a_short_length(void **state)
{
	cut_answer(*state, OK_HEAD "Content-Length: 9\r\n\r\nhello", CLOSE, 1);
}

static void
sees_a_cut_chunk(void **state)
{
	cut_answer(*state,
	    OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", CLOSE,
	    1);
}

static void
sees_a_cut_head(void **state)
{
	cut_answer(*state, "HTTP/1.1 200 OK\r\nContent-Le", CLOSE, 0);
}

static void
ends_with_the_connection(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_HEAD "\r\nhello", CLOSE);
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	assert_true(slice_is(buf_slice(&l->asks[0].got), "hello"));
}

/* The kept connection dies after the second request was read. */
static void
dies_unanswered(struct lab *l, enum after after)
{
	plan(l, 0, OK_FIVE, KEEP);
	plan(l, 1, NULL, after);
	plan(l, 2, OK_FIVE, KEEP);
	l->asks[0].then = &l->asks[1];
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	expect_end(&l->asks[1], 0, TRANSFER_RESET);
	assert_int_equal(l->provider.requests, 2);
}

static void
never_resends_a_small_body(void **state)
{
	dies_unanswered(*state, CLOSE);
}

static void
never_resends_after_a_reset(void **state)
{
	dies_unanswered(*state, RESET);
}

static void
never_resends_when_gone(void **state)
{
	dies_unanswered(*state, VANISH);
}

static void
never_resends_a_large_body(void **state)
{
	struct lab *l = *state;

	l->body[0] = slice_make(l->large, sizeof(l->large));
	dies_unanswered(l, CLOSE);
}

static void
never_resends_a_get(void **state)
{
	struct lab *l = *state;

	l->asks[1].request.body_count = 0;
	dies_unanswered(l, CLOSE);
}

static void
ignores_stray_answers(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_FIVE OK_HEAD "Content-Length: 4\r\n\r\nevil", KEEP);
	plan(l, 1, OK_FIVE, KEEP);
	l->asks[0].then = &l->asks[1];
	run(l);
	expect_end(&l->asks[1], 1, TRANSFER_OK);
	assert_true(slice_is(buf_slice(&l->asks[1].got), "hello"));
}

static void
gives_refused_bytes_again(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_FIVE, KEEP);
	l->asks[0].refuse = 3;
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	assert_int_equal(l->asks[0].refusals, 3);
	assert_true(slice_is(buf_slice(&l->asks[0].got), "hello"));
}

static void
large_answer(struct lab *l, struct buf *answer)
{
	buf_init(answer, 1 << 20);
	buf_printf(answer, OK_HEAD "Content-Length: %zu\r\n\r\n",
	    sizeof(l->large));
	buf_put(answer, l->large, sizeof(l->large));
	l->provider.plan[0] =
	    (struct plan){ (char *)answer->data, answer->len, KEEP };
}

static void
loses_nothing_by_pausing(void **state)
{
	struct lab *l = *state;
	struct buf answer;

	large_answer(l, &answer);
	l->asks[0].refuse = 20;
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_OK);
	assert_int_equal(l->asks[0].got.len, sizeof(l->large));
	buf_fini(&answer);
}

static void
total_runs_while_paused(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_FIVE, KEEP);
	l->asks[0].refuse = 1;
	l->asks[0].hold = true;
	l->asks[0].request.idle_ms = 1;
	l->asks[0].request.total_ms = 50;
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_SLOW);
	assert_int_equal(l->asks[0].refusals, 1);
}

static void
first_byte_has_a_deadline(void **state)
{
	struct lab *l = *state;

	plan(l, 0, NULL, KEEP);
	l->asks[0].request.first_byte_ms = 5;
	run(l);
	expect_end(&l->asks[0], 0, TRANSFER_SLOW);
	assert_int_equal(l->provider.requests, 1);
}

static void
silence_has_a_deadline(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_HEAD "Content-Length: 9\r\n\r\nhello", KEEP);
	l->asks[0].request.idle_ms = 5;
	run(l);
	expect_end(&l->asks[0], 1, TRANSFER_SLOW);
	assert_true(slice_is(buf_slice(&l->asks[0].got), "hello"));
}

static void
cancelled_gives_no_event(void **state)
{
	struct lab *l = *state;

	begin(&l->asks[0]);
	begin(&l->asks[1]);
	cancel(&l->asks[1]); /* before it started */
	l->asks[0].cancel_in_head = true;
	plan(l, 0, OK_FIVE, KEEP);
	loop_run(l->loop);
	assert_int_equal(l->asks[0].heads, 1);
	assert_int_equal(l->asks[0].got.len, 0);
	assert_int_equal(l->asks[0].ends, 0);
	assert_int_equal(l->asks[1].heads + l->asks[1].ends, 0);
	assert_int_equal(l->provider.requests, 1);
}

static void
cancels_in_data(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_FIVE, KEEP);
	plan(l, 1, OK_FIVE, KEEP);
	l->asks[0].cancel_in_data = true;
	l->asks[0].then = &l->asks[1];
	run(l);
	assert_int_equal(l->asks[0].ends, 0);
	expect_end(&l->asks[1], 1, TRANSFER_OK);
}

static void
cancels_another_in_data(void **state)
{
	struct lab *l = *state;

	plan(l, 0, OK_FIVE, KEEP);
	plan(l, 1, OK_FIVE, KEEP);
	/* Whichever is first to get data cancels the other. */
	l->asks[0].cancel_other = &l->asks[1];
	l->asks[1].cancel_other = &l->asks[0];
	begin(&l->asks[0]);
	begin(&l->asks[1]);
	loop_run(l->loop);
	assert_int_equal(l->asks[0].ends + l->asks[1].ends, 1);
}

static void
caps_the_head(void **state)
{
	struct lab *l = *state;
	struct buf answer;
	int i;

	buf_init(&answer, 1 << 20);
	buf_puts(&answer, OK_HEAD);
	for (i = 0; i < 700; i++)
		buf_printf(&answer, "X-Filler-%d: %0100d\r\n", i, i);
	buf_puts(&answer, "Content-Length: 0\r\n\r\n");
	plan(l, 0, buf_text(&answer), KEEP);
	run(l);
	expect_end(&l->asks[0], 0, TRANSFER_TOO_LARGE);
	buf_fini(&answer);
}

static void
caps_one_line(void **state)
{
	struct lab *l = *state;
	struct buf answer;

	buf_init(&answer, 1 << 20);
	buf_puts(&answer, OK_HEAD "X-Long: ");
	buf_put(&answer, l->large, sizeof(l->large));
	buf_puts(&answer, "\r\n\r\n");
	plan(l, 0, buf_text(&answer), KEEP);
	run(l);
	expect_end(&l->asks[0], 0, TRANSFER_TOO_LARGE);
	buf_fini(&answer);
}

static void
knows_what_is_not_http(void **state)
{
	struct lab *l = *state;

	plan(l, 0, "SSH-2.0-OpenSSH_9.2\r\n\r\n", CLOSE);
	run(l);
	assert_int_equal(l->asks[0].heads, 0);
	expect_end(&l->asks[0], 0, TRANSFER_BROKEN);
}

static void
knows_a_closed_port(void **state)
{
	struct lab *l = *state;
	struct provider *p = &l->provider;

	loop_watch_for(p->watch, 0);
	close(p->listen_fd);
	p->listen_fd = -1;
	run(l);
	expect_end(&l->asks[0], 0, TRANSFER_NO_ROUTE);
}

/* The next one gets the same descriptor. */
static void
connects_after(struct lab *l, enum transfer_end end)
{
	struct full full;

	full_open(&full);
	l->asks[0].request.url = full.url;
	l->asks[0].then = &l->asks[1];
	plan(l, 0, OK_FIVE, KEEP);
	run(l);
	expect_end(&l->asks[0], 0, end);
	expect_end(&l->asks[1], 1, TRANSFER_OK);
	full_close(&full);
}

static void
connecting_has_a_deadline(void **state)
{
	struct lab *l = *state;

	l->asks[0].request.connect_ms = 20;
	connects_after(l, TRANSFER_NO_ROUTE);
}

static void
total_runs_while_connecting(void **state)
{
	struct lab *l = *state;

	l->asks[0].request.total_ms = 20;
	connects_after(l, TRANSFER_SLOW);
}

static void
knows_an_unknown_name(void **state)
{
	struct lab *l = *state;

	l->asks[0].request.url = "http://no-such-host.invalid/";
	run(l);
	expect_end(&l->asks[0], 0, TRANSFER_NO_NAME);
}

static void
trusts_no_plain_text(void **state)
{
	struct lab *l = *state;

	snprintf(l->asks[0].url, sizeof(l->asks[0].url),
	    "https://127.0.0.1:%u/", l->provider.port);
	/* A first record of its handshake is no request: hang up on it. */
	l->provider.plan[0] = (struct plan){ "", 0, CLOSE };
	l->asks[0].request.connect_ms = 50;
	run(l);
	assert_int_equal(l->asks[0].heads, 0);
	assert_int_equal(l->asks[0].ends, 1);
	assert_int_not_equal(l->asks[0].end, TRANSFER_OK);
	assert_int_equal(l->provider.requests, 0);
}

static void
speaks_only_http(void **state)
{
	struct lab *l = *state;

	l->asks[0].request.url = "file:///etc/passwd";
	run(l);
	expect_end(&l->asks[0], 0, TRANSFER_BROKEN);
}

static void
sends_nothing_unsound(void **state)
{
	struct lab *l = *state;

	l->fields[1] = (struct http_field){ "Host", slice_of("elsewhere") };
	run(l);
	expect_end(&l->asks[0], 0, TRANSFER_BROKEN);
	assert_int_equal(l->provider.accepted, 0);
}

static void
environment_is_cleared(void **state)
{
	(void)state;
	assert_null(getenv("http_proxy"));
	assert_null(getenv("HTTPS_PROXY"));
	assert_null(getenv("SSLKEYLOGFILE"));
	assert_null(getenv("CURL_SSL_BACKEND"));
	assert_string_equal(getenv("GSR_TEST_KEEP"), "1");
}

#define LAB_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(environment_is_cleared),
		LAB_TEST(answers_whole),
		LAB_TEST(gets_without_a_body),
		LAB_TEST(sends_large_bodies_in_order),
		LAB_TEST(keeps_the_connection),
		LAB_TEST(passes_over_interim_answers),
		LAB_TEST(does_not_follow),
		LAB_TEST(sees_a_short_length),
		LAB_TEST(sees_a_cut_chunk),
		LAB_TEST(sees_a_cut_head),
		LAB_TEST(ends_with_the_connection),
		LAB_TEST(never_resends_a_small_body),
		LAB_TEST(never_resends_after_a_reset),
		LAB_TEST(never_resends_when_gone),
		LAB_TEST(never_resends_a_large_body),
		LAB_TEST(never_resends_a_get),
		LAB_TEST(ignores_stray_answers),
		LAB_TEST(gives_refused_bytes_again),
		LAB_TEST(loses_nothing_by_pausing),
		LAB_TEST(total_runs_while_paused),
		LAB_TEST(first_byte_has_a_deadline),
		LAB_TEST(silence_has_a_deadline),
		LAB_TEST(cancelled_gives_no_event),
		LAB_TEST(cancels_in_data),
		LAB_TEST(cancels_another_in_data),
		LAB_TEST(caps_the_head),
		LAB_TEST(caps_one_line),
		LAB_TEST(knows_what_is_not_http),
		LAB_TEST(knows_a_closed_port),
		LAB_TEST(connecting_has_a_deadline),
		LAB_TEST(total_runs_while_connecting),
		LAB_TEST(knows_an_unknown_name),
		LAB_TEST(trusts_no_plain_text),
		LAB_TEST(speaks_only_http),
		LAB_TEST(sends_nothing_unsound),
	};

	if (!crypto_start())
		return 1;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("HTTPS_PROXY", "http://127.0.0.1:1", 1);
	setenv("SSLKEYLOGFILE", "/nonexistent/keys", 1);
	setenv("CURL_SSL_BACKEND", "none", 1);
	setenv("GSR_TEST_KEEP", "1", 1);
	upstream_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
