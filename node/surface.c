#include "node/surface.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/format/json.h"
#include "common/member/worker.h"
#include "common/net/http.h"
#include "node/caller.h"
#include "node/node.h"
#include "node/request.h"
#include "topology/load.h"

#define PAGE_MAX (4 * 1024 * 1024)

static void serve_health(struct desk *d, struct http_exchange *x);
static void serve_ready(struct desk *d, struct http_exchange *x);
static void serve_models(struct desk *d, struct http_exchange *x);

/* The OpenAI paths stand at /v1 and under /openai/v1. */
static const struct {
	enum http_method method;
	const char *path;
	void (*serve)(struct desk *d, struct http_exchange *x);
} table[] = {
	{ HTTP_POST, "/v1/chat/completions", request_begin },
	{ HTTP_POST, "/openai/v1/chat/completions", request_begin },
	{ HTTP_GET, "/v1/models", serve_models },
	{ HTTP_GET, "/openai/v1/models", serve_models },
	{ HTTP_GET, "/healthz", serve_health },
	{ HTTP_GET, "/readyz", serve_ready },
};

static void
answer_fail(struct http_exchange *x, enum fail fail, int status,
    const char *detail)
{
	const struct http_field fields[] = {
		{ "Content-Type", slice_of("application/json") },
		{ "X-Router-Error", slice_of(fail_name(fail)) },
		{ "x-should-retry", slice_of("false") },
	};
	size_t count = count_of(fields) - fail_retryable(fail);
	struct buf body;

	stat_add(STAT_REFUSALS, 1);
	buf_init(&body, PAGE_MAX);
	fail_body(&body, DIALECT_CHAT, fail, slice_of(detail), slice_of(""));
	http_answer(x, status, fields, count, &body);
	buf_fini(&body);
}

static void
answer_word(struct http_exchange *x, int status, const char *word)
{
	const struct http_field type = { "Content-Type",
		slice_of("text/plain; charset=utf-8") };
	struct buf body;

	buf_init(&body, 64);
	buf_puts(&body, word);
	http_answer(x, status, &type, 1, &body);
	buf_fini(&body);
}

static void
serve_health(struct desk *d, struct http_exchange *x)
{
	(void)d;
	answer_word(x, 200, "ok\n");
}

static void
serve_ready(struct desk *d, struct http_exchange *x)
{
	struct buf why;
	bool ready;

	buf_init(&why, PAGE_MAX);
	ready = !d->draining &&
		d->node->process->app->ready(d->node->process, &why);
	buf_fini(&why);
	answer_word(x, ready ? 200 : 503, ready ? "ready\n" : "not ready\n");
}

/* The token's caller, or NULL after answering why not. */
static const struct caller *
known_caller(struct desk *d, struct http_exchange *x)
{
	struct slice token = caller_token(http_header(x, "Authorization"),
	    http_header(x, "x-api-key"));
	const struct caller *c;

	callers_refresh(d->node->callers, &d->book);
	c = caller_find(d->book, token);
	if (c == NULL) {
		answer_fail(x, FAIL_UNAUTHORIZED,
		    fail_status(FAIL_UNAUTHORIZED, DIALECT_CHAT), "");
		return NULL;
	}
	switch (caller_state(c, clock_wall_us())) {
	case CALLER_ACTIVE:
		return c;
	case CALLER_EXPIRED:
		answer_fail(x, FAIL_TOKEN_EXPIRED, 403, "");
		return NULL;
	case CALLER_REVOKED:
		answer_fail(x, FAIL_TOKEN_REVOKED, 403, "");
		return NULL;
	}
	return NULL;
}

static void
put_model(struct json_writer *w, const struct desk *d, const struct group *g)
{
	json_open(w, '{');
	json_field_text(w, "id", g->name);
	json_field_text(w, "object", slice_of("model"));
	json_field_int(w, "created", 0);
	json_field_text(w, "owned_by", d->worker->topology->self->team);
	json_close(w, '}');
}

static void
serve_models(struct desk *d, struct http_exchange *x)
{
	const struct node_file *file = d->worker->topology->node;
	const struct caller *c = known_caller(d, x);
	const struct http_field type = { "Content-Type",
		slice_of("application/json") };
	struct json_writer w = { 0 };
	struct buf body;
	size_t i;

	if (c == NULL)
		return;
	buf_init(&body, PAGE_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "object", slice_of("list"));
	json_key(&w, "data");
	json_open(&w, '[');
	for (i = 0; i < file->groups_count; i++)
		if (caller_may_use(c, file->groups[i].name))
			put_model(&w, d, &file->groups[i]);
	json_close(&w, ']');
	json_close(&w, '}');
	http_answer(x, 200, &type, 1, &body);
	buf_fini(&body);
}

void
surface_on_head(void *arg, struct http_exchange *x)
{
	struct desk *d = arg;
	bool path_known = false;
	size_t i;

	for (i = 0; i < count_of(table); i++) {
		if (!slice_is(http_path(x), table[i].path))
			continue;
		path_known = true;
		if (http_method(x) == table[i].method ||
		    (http_method(x) == HTTP_HEAD &&
			table[i].method == HTTP_GET)) {
			table[i].serve(d, x);
			return;
		}
	}
	if (path_known)
		answer_fail(x, FAIL_METHOD_NOT_ALLOWED, 405, "");
	else
		answer_fail(x, FAIL_NOT_FOUND, 404, "");
}

void
surface_on_body(void *arg, struct http_exchange *x)
{
	(void)arg;
	if (http_owner(x) != NULL)
		request_on_body(http_owner(x));
}

void
surface_on_sent(void *arg, struct http_exchange *x, size_t bytes)
{
	(void)arg;
	(void)bytes;
	if (http_owner(x) != NULL)
		request_on_sent(http_owner(x));
}

void
surface_on_gone(void *arg, struct http_exchange *x)
{
	(void)arg;
	if (http_owner(x) != NULL)
		request_on_gone(http_owner(x));
}

void
surface_on_done(void *arg, struct http_exchange *x)
{
	(void)arg;
	if (http_owner(x) != NULL)
		request_on_done(http_owner(x));
}

static enum fail
fail_of_edge(int status)
{
	switch (status) {
	case 408:
		return FAIL_REQUEST_TIMEOUT;
	case 413:
		return FAIL_REQUEST_TOO_LARGE;
	case 415:
		return FAIL_UNSUPPORTED_MEDIA;
	case 431:
		return FAIL_HEADERS_TOO_LARGE;
	case 503:
		return FAIL_OVERLOADED;
	default:
		return FAIL_INVALID_REQUEST;
	}
}

/*
 * Before there is a request the edge's refusal is answered as it is; one that
 * waits for its body has a caller, so it gets its row first.
 */
void
surface_on_refused(void *arg, struct http_exchange *x, int status,
    const char *why)
{
	enum fail fail = fail_of_edge(status);

	(void)arg;
	stat_add(STAT_HTTP_REJECTED, 1);
	if (http_owner(x) != NULL)
		request_on_refused(http_owner(x), fail, why);
	answer_fail(x, fail, status, why);
}
