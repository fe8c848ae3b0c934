#pragma once
/*
 * asks: a test of upstream: one provider, one upstream, a few calls (asks).
 */
#include "common/base/crypto.h"
#include "common/base/secret.h"
#include "common/net/upstream.h"
#include "tests/unit/net/provider.h"

struct lab;

struct ask {
	struct lab *lab;
	struct transfer *t;
	struct transfer_request request;
	unsigned heads, ends, refusals, refuse;
	int status;
	enum transfer_end end;
	struct buf got;
	struct slice seen_type;
	bool cancel_in_head, cancel_in_data, hold;
	struct ask *cancel_other, *then;
	struct loop_task resume;
	char url[64];
};

struct lab {
	struct loop *loop;
	struct upstream *up;
	struct provider provider;
	struct ask asks[3];
	unsigned waiting; /* asks that have to end before the loop stops */
	struct slice body[2];
	struct http_field fields[2];
	struct secret *key;
	char large[200000];
};

static const struct transfer_events events;

static void
begin(struct ask *a)
{
	a->lab->waiting++;
	a->t = transfer_start(a->lab->up, &a->request, &events, a);
	assert_int_equal(a->heads + a->ends, 0);
}

static void
over(struct ask *a)
{
	a->t = NULL;
	if (a->then != NULL)
		begin(a->then);
	if (--a->lab->waiting == 0)
		loop_stop(a->lab->loop);
}

static void
cancel(struct ask *a)
{
	struct transfer *t = a->t;

	over(a);
	transfer_cancel(t);
}

static void
on_head(void *arg, int status)
{
	struct ask *a = arg;

	a->heads++;
	a->status = status;
	assert_true(slice_is(transfer_header(a->t, "x-test"), "") ||
		    slice_is(transfer_header(a->t, "x-test"), "yes"));
	a->seen_type = transfer_header(a->t, "x-test");
	if (a->cancel_in_head)
		cancel(a);
}

static bool
on_data(void *arg, struct slice bytes)
{
	struct ask *a = arg;

	assert_int_equal(a->heads, 1);
	assert_int_equal(a->ends, 0);
	assert_true(bytes.len > 0);
	if (a->cancel_other != NULL) {
		cancel(a->cancel_other);
		a->cancel_other = NULL;
	}
	if (a->cancel_in_data) {
		cancel(a);
		return true;
	}
	if (a->refuse > 0) {
		a->refuse--;
		a->refusals++;
		if (!a->hold)
			loop_soon(a->lab->loop, &a->resume);
		return false;
	}
	buf_put_slice(&a->got, bytes);
	return true;
}

static void
on_end(void *arg, enum transfer_end end)
{
	struct ask *a = arg;

	a->ends++;
	a->end = end;
	assert_non_null(transfer_why(a->t));
	over(a);
}

static void
on_resume(void *arg)
{
	struct ask *a = arg;

	transfer_resume(a->t);
}

static const struct transfer_events events = { on_head, on_data, on_end };

static void
ask_init(struct lab *l, struct ask *a)
{
	a->lab = l;
	buf_init(&a->got, 1 << 22);
	loop_task_init(&a->resume, on_resume, a);
	snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%u/v1/x?q=1",
	    l->provider.port);
	a->request.url = a->url;
	a->request.fields = l->fields;
	a->request.fields_count = 2;
	a->request.auth_field = "Authorization";
	a->request.auth_prefix = "Bearer ";
	a->request.key = l->key;
	a->request.body = l->body;
	a->request.body_count = 2;
}

static int
setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	size_t i;

	l->loop = loop_new("test");
	l->up = upstream_new(l->loop);
	provider_open(&l->provider, l->loop);
	l->body[0] = slice_of("{\"model\":");
	l->body[1] = slice_of("\"m\"}");
	l->fields[0] =
	    (struct http_field){ "Content-Type", slice_of("application/json") };
	l->fields[1] = (struct http_field){ "X-Empty", slice_of("") };
	l->key = secret_new("sk-test", 7);
	memset(l->large, 'x', sizeof(l->large));
	for (i = 0; i < count_of(l->asks); i++)
		ask_init(l, &l->asks[i]);
	*state = l;
	return 0;
}

static int
teardown(void **state)
{
	struct lab *l = *state;
	size_t i;

	upstream_free(l->up);
	for (i = 0; i < count_of(l->asks); i++)
		buf_fini(&l->asks[i].got);
	provider_close(&l->provider);
	secret_free(l->key);
	loop_free(l->loop);
	free(l);
	return 0;
}

static void
plan(struct lab *l, size_t i, const char *answer, enum after after)
{
	l->provider.plan[i] = (struct plan){ answer, 0, after };
}

static void
run(struct lab *l)
{
	begin(&l->asks[0]);
	loop_run(l->loop);
}

static void
expect_end(struct ask *a, unsigned heads, enum transfer_end end)
{
	assert_int_equal(a->heads, heads);
	assert_int_equal(a->ends, 1);
	assert_string_equal(transfer_end_name(a->end), transfer_end_name(end));
}
