#include "tests/unit/net/provider.h"

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/log.h"
#include "common/base/secret.h"
#include "common/net/upstream.h"
#include "node/strategy/external.h"
#include "topology/group.h"

#define ORDER      "[\"a/b\"]"
#define HEAD       "HTTP/1.1 200 OK\r\n"
#define OK_ANSWER  HEAD "Content-Length: 7\r\n\r\n" ORDER
#define PATIENT_MS 10000
#define SHORT_MS   30

struct scene {
	struct loop *loop;
	struct external_line line;
	struct provider service;
	struct external_policy policy;
	struct external_spec spec;
	struct external_ask *ask;
	unsigned answers, more;
	bool free_at_once;
	enum external_end end;
	char url[64];
};

static int
setup(void **state)
{
	struct scene *s = test_calloc(1, sizeof(*s));

	s->loop = loop_new("test");
	s->line.upstream = upstream_new(s->loop);
	provider_open(&s->service, s->loop);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u/order?v=1",
	    s->service.port);
	s->policy.url = slice_of(s->url);
	s->policy.timeout_ms = PATIENT_MS;
	s->spec = (struct external_spec){ .line = &s->line,
		.policy = &s->policy,
		.secret = secret_new("s3cret", 6),
		.body = slice_of("{\"version\":1}") };
	*state = s;
	return 0;
}

static int
teardown(void **state)
{
	struct scene *s = *state;

	external_free(s->ask);
	assert_int_equal(s->line.under_way, 0);
	upstream_free(s->line.upstream);
	provider_close(&s->service);
	secret_free(s->spec.secret);
	loop_free(s->loop);
	test_free(s);
	return 0;
}

static void done(void *arg);

static void
start(struct scene *s)
{
	s->ask = external_start(&s->spec, done, s);
	assert_non_null(s->ask);
}

static void
done(void *arg)
{
	struct scene *s = arg;

	s->answers++;
	s->end = external_answer(s->ask)->end;
	if (s->more > 0 || s->free_at_once) {
		external_free(s->ask);
		s->ask = NULL;
	}
	if (s->more > 0) {
		s->more--;
		start(s);
	} else {
		loop_stop(s->loop);
	}
}

static void
plan(struct scene *s, size_t i, const char *answer, enum after after)
{
	s->service.plan[i] = (struct plan){ answer, 0, after };
}

static const struct external_answer *
asked(struct scene *s)
{
	start(s);
	assert_int_equal(s->answers, 0);
	assert_int_equal(s->line.under_way, 1);
	loop_run(s->loop);
	assert_int_equal(s->answers, 1);
	assert_int_equal(s->line.under_way, 0);
	return s->ask != NULL ? external_answer(s->ask) : NULL;
}

static void
ends(struct scene *s, enum external_end end)
{
	const struct external_answer *a = asked(s);

	assert_string_equal(external_end_name(a->end), external_end_name(end));
	assert_int_equal(a->text.len, 0);
}

static void
hands_over_the_answer(void **state)
{
	struct scene *s = *state;
	char body[] = "{\"version\":1}";
	const struct external_answer *a;
	const char *sent;

	plan(s, 0, OK_ANSWER, KEEP);
	s->spec.body = slice_of(body);
	start(s);
	memset(body, 'x', sizeof(body)); /* it was copied */
	loop_run(s->loop);
	a = external_answer(s->ask);
	assert_int_equal(a->end, EXTERNAL_OK);
	assert_int_equal(a->status, 200);
	assert_true(slice_is(a->text, ORDER));
	assert_in_range(a->took_us, 1, PATIENT_MS * US_PER_MS);
	sent = buf_text(&s->service.last);
	assert_memory_equal(sent, "POST /order?v=1 HTTP/1.1\r\n", 26);
	assert_non_null(strstr(sent, "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(sent, "\r\nAuthorization: Bearer s3cret\r\n"));
	assert_non_null(strstr(sent, "\r\n\r\n{\"version\":1}"));
}

static void
sends_no_auth_without_a_secret(void **state)
{
	struct scene *s = *state;

	plan(s, 0, OK_ANSWER, KEEP);
	secret_free(s->spec.secret);
	s->spec.secret = NULL;
	assert_int_equal(asked(s)->end, EXTERNAL_OK);
	assert_null(strstr(buf_text(&s->service.last), "Authorization"));
}

static void
holds_the_secret(void **state)
{
	struct scene *s = *state;

	plan(s, 0, OK_ANSWER, KEEP);
	start(s);
	secret_free(s->spec.secret);
	s->spec.secret = NULL;
	loop_run(s->loop);
	assert_int_equal(s->end, EXTERNAL_OK);
	assert_non_null(
	    strstr(buf_text(&s->service.last), "Bearer s3cret\r\n"));
}

static void
keeps_the_connection(void **state)
{
	struct scene *s = *state;

	plan(s, 0, OK_ANSWER, KEEP);
	plan(s, 1, OK_ANSWER, KEEP);
	plan(s, 2, OK_ANSWER, KEEP);
	s->more = 2;
	start(s);
	loop_run(s->loop);
	assert_int_equal(s->answers, 3);
	assert_int_equal(s->end, EXTERNAL_OK);
	assert_int_equal(s->service.accepted, 1);
}

static void
takes_what_is_no_json(void **state)
{
	struct scene *s = *state;
	const struct external_answer *a;

	plan(s, 0, HEAD "\r\n<html>\xff", CLOSE);
	a = asked(s);
	assert_int_equal(a->end, EXTERNAL_OK);
	assert_true(slice_is(a->text, "<html>\xff"));
}

static void
waits_no_longer_than_said(void **state)
{
	struct scene *s = *state;

	plan(s, 0, NULL, KEEP);
	s->policy.timeout_ms = SHORT_MS;
	ends(s, EXTERNAL_TIMEOUT);
	assert_in_range(external_answer(s->ask)->took_us, SHORT_MS * US_PER_MS,
	    PATIENT_MS * US_PER_MS);
	assert_int_equal(s->service.requests, 1);
}

static void
waits_for_the_whole_of_it(void **state)
{
	struct scene *s = *state;

	plan(s, 0, HEAD "Content-Length: 99\r\n\r\n" ORDER, KEEP);
	s->policy.timeout_ms = SHORT_MS;
	ends(s, EXTERNAL_TIMEOUT);
	assert_int_equal(external_answer(s->ask)->status, 200);
}

static void
a_slow_connection_is_a_timeout(void **state)
{
	struct scene *s = *state;
	struct full full;

	full_open(&full);
	s->policy.url = slice_of(full.url);
	s->policy.timeout_ms = SHORT_MS;
	ends(s, EXTERNAL_TIMEOUT);
	full_close(&full);
}

static void
knows_a_closed_port(void **state)
{
	struct scene *s = *state;

	loop_watch_for(s->service.watch, 0);
	close(s->service.listen_fd);
	s->service.listen_fd = -1;
	ends(s, EXTERNAL_UNREACHABLE);
	assert_int_equal(external_answer(s->ask)->status, 0);
}

static void
knows_an_unknown_name(void **state)
{
	struct scene *s = *state;

	s->policy.url = slice_of("http://no-such-host.invalid/");
	ends(s, EXTERNAL_UNREACHABLE);
}

static void
is_asked_once(void **state)
{
	struct scene *s = *state;

	plan(s, 0, OK_ANSWER, KEEP);
	plan(s, 1, NULL, CLOSE);
	plan(s, 2, OK_ANSWER, KEEP);
	s->more = 1;
	start(s);
	loop_run(s->loop);
	assert_int_equal(s->end, EXTERNAL_BROKEN);
	assert_int_equal(s->service.requests, 2);
}

static void
knows_a_cut_answer(void **state)
{
	struct scene *s = *state;

	plan(s, 0, HEAD "Content-Length: 99\r\n\r\n" ORDER, CLOSE);
	ends(s, EXTERNAL_BROKEN);
}

static void
knows_what_is_not_http(void **state)
{
	struct scene *s = *state;

	plan(s, 0, "SSH-2.0-OpenSSH_9.2\r\n\r\n", CLOSE);
	ends(s, EXTERNAL_BROKEN);
}

static void
takes_only_status_200(void **state)
{
	struct scene *s = *state;

	plan(s, 0, "HTTP/1.1 500 Oops\r\nContent-Length: 7\r\n\r\n" ORDER,
	    KEEP);
	ends(s, EXTERNAL_STATUS);
	assert_int_equal(external_answer(s->ask)->status, 500);
}

static void
follows_nobody(void **state)
{
	struct scene *s = *state;
	char answer[200];

	snprintf(answer, sizeof(answer),
	    "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%u/x\r\n"
	    "Content-Length: 0\r\n\r\n",
	    s->service.port);
	plan(s, 0, answer, KEEP);
	ends(s, EXTERNAL_STATUS);
	assert_int_equal(external_answer(s->ask)->status, 307);
	assert_int_equal(s->service.requests, 1);
}

/* An answer of that many bytes, by length or in one chunk. */
static void
plan_large(struct scene *s, struct buf *answer, size_t bytes, bool chunk)
{
	size_t i;

	buf_init(answer, 1 << 20);
	if (chunk)
		buf_printf(answer,
		    HEAD "Transfer-Encoding: chunked\r\n\r\n%zx\r\n", bytes);
	else
		buf_printf(answer, HEAD "Content-Length: %zu\r\n\r\n", bytes);
	for (i = 0; i < bytes; i++)
		buf_putc(answer, ' ');
	if (chunk)
		buf_puts(answer, "\r\n0\r\n\r\n");
	plan(s, 0, buf_text(answer), KEEP);
}

static void
takes_the_largest_answer(void **state)
{
	struct scene *s = *state;
	struct buf answer;

	plan_large(s, &answer, EXTERNAL_ANSWER_BYTES, false);
	assert_int_equal(asked(s)->end, EXTERNAL_OK);
	assert_int_equal(external_answer(s->ask)->text.len,
	    EXTERNAL_ANSWER_BYTES);
	buf_fini(&answer);
}

static void
refuses_a_larger_one(void **state)
{
	struct scene *s = *state;
	struct buf answer;

	plan_large(s, &answer, EXTERNAL_ANSWER_BYTES + 1, false);
	ends(s, EXTERNAL_TOO_LARGE);
	buf_fini(&answer);
}

static void
refuses_a_larger_one_in_chunks(void **state)
{
	struct scene *s = *state;
	struct buf answer;

	plan_large(s, &answer, 300000, true);
	ends(s, EXTERNAL_TOO_LARGE);
	buf_fini(&answer);
}

/* By done, out of the depths of the HTTP client. */
static void
freed_at_once(struct scene *s, const char *answer, enum external_end end)
{
	plan(s, 0, answer, CLOSE);
	s->free_at_once = true;
	assert_null(asked(s));
	assert_string_equal(external_end_name(s->end), external_end_name(end));
}

static void
may_be_freed_at_the_end(void **state)
{
	freed_at_once(*state, OK_ANSWER, EXTERNAL_OK);
}

static void
may_be_freed_at_the_head(void **state)
{
	freed_at_once(*state, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
	    EXTERNAL_STATUS);
}

static void
may_be_freed_at_the_first_bytes(void **state)
{
	struct scene *s = *state;
	struct buf answer;

	plan_large(s, &answer, EXTERNAL_ANSWER_BYTES + 1, false);
	freed_at_once(s, buf_text(&answer), EXTERNAL_TOO_LARGE);
	buf_fini(&answer);
}

/* The caller leaves while the service thinks, and another one comes. */
static void
leave(void *arg)
{
	struct scene *s = arg;

	assert_int_equal(s->service.requests, 1);
	assert_int_equal(s->line.under_way, 1);
	external_free(s->ask);
	assert_int_equal(s->line.under_way, 0);
	start(s);
}

static void
is_left_under_way(void **state)
{
	struct scene *s = *state;
	struct loop_timer *timer = loop_timer_new(s->loop, leave, s);

	plan(s, 0, NULL, KEEP);
	plan(s, 1, OK_ANSWER, KEEP);
	loop_timer_set(timer, SHORT_MS * US_PER_MS);
	assert_int_equal(asked(s)->end, EXTERNAL_OK);
	assert_int_equal(s->service.requests, 2);
	loop_timer_free(timer);
}

static void
is_left_before_it_began(void **state)
{
	struct scene *s = *state;

	start(s);
	external_free(s->ask);
	plan(s, 0, OK_ANSWER, KEEP);
	assert_int_equal(asked(s)->end, EXTERNAL_OK);
	assert_int_equal(s->service.requests, 1);
}

static void
no_more_than_a_bound(void **state)
{
	struct external_ask *asks[EXTERNAL_ASKS_MAX];
	struct scene *s = *state;
	size_t i;

	for (i = 0; i < EXTERNAL_ASKS_MAX; i++) {
		asks[i] = external_start(&s->spec, done, s);
		assert_non_null(asks[i]);
	}
	assert_null(external_start(&s->spec, done, s));
	external_free(asks[0]);
	asks[0] = external_start(&s->spec, done, s);
	assert_non_null(asks[0]);
	assert_null(external_start(&s->spec, done, s));
	for (i = 0; i < EXTERNAL_ASKS_MAX; i++)
		external_free(asks[i]);
	assert_int_equal(s->answers, 0);
}

static void
ends_have_names(void **state)
{
	enum external_end end;

	(void)state;
	for (end = EXTERNAL_OK; end < EXTERNAL_ENDS; end++)
		assert_true(strlen(external_end_name(end)) > 1);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(hands_over_the_answer),
		SCENE_TEST(sends_no_auth_without_a_secret),
		SCENE_TEST(holds_the_secret),
		SCENE_TEST(keeps_the_connection),
		SCENE_TEST(takes_what_is_no_json),
		SCENE_TEST(waits_no_longer_than_said),
		SCENE_TEST(waits_for_the_whole_of_it),
		SCENE_TEST(a_slow_connection_is_a_timeout),
		SCENE_TEST(knows_a_closed_port),
		SCENE_TEST(knows_an_unknown_name),
		SCENE_TEST(is_asked_once),
		SCENE_TEST(knows_a_cut_answer),
		SCENE_TEST(knows_what_is_not_http),
		SCENE_TEST(takes_only_status_200),
		SCENE_TEST(follows_nobody),
		SCENE_TEST(takes_the_largest_answer),
		SCENE_TEST(refuses_a_larger_one),
		SCENE_TEST(refuses_a_larger_one_in_chunks),
		SCENE_TEST(may_be_freed_at_the_end),
		SCENE_TEST(may_be_freed_at_the_head),
		SCENE_TEST(may_be_freed_at_the_first_bytes),
		SCENE_TEST(is_left_under_way),
		SCENE_TEST(is_left_before_it_began),
		SCENE_TEST(no_more_than_a_bound),
		cmocka_unit_test(ends_have_names),
	};

	if (!crypto_start())
		return 1;
	log_threshold(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
