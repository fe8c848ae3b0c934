#include "node/surface.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/member/process.h"
#include "common/member/stranger.h"
#include "common/member/worker.h"
#include "common/net/http.h"
#include "common/net/listen.h"
#include "node/account.h"
#include "node/allotment.h"
#include "node/caller.h"
#include "node/models.h"
#include "node/node.h"
#include "node/request.h"
#include "topology/load.h"

#define PAGE_MAX       (4 * 1024 * 1024)
#define MODELS_BELOW   "/v1/models/"
#define REQUESTS_BELOW "/v1/requests/"

static void serve_chat(struct desk *d, struct http_exchange *x);
static void serve_responses(struct desk *d, struct http_exchange *x);
static void serve_messages(struct desk *d, struct http_exchange *x);
static void serve_count(struct desk *d, struct http_exchange *x);
static void serve_models(struct desk *d, struct http_exchange *x);
static void serve_account(struct desk *d, struct http_exchange *x);
static void serve_usage(struct desk *d, struct http_exchange *x);
static void serve_socket(struct desk *d, struct http_exchange *x);
static void serve_hello(struct desk *d, struct http_exchange *x);
static void serve_health(struct desk *d, struct http_exchange *x);
static void serve_ready(struct desk *d, struct http_exchange *x);

/*
 * Paths without the /openai or /anthropic that may stand before /v1.  One
 * that ends in a slash stands for all below it.
 */
static const struct place {
	enum http_method method;
	const char *path;
	void (*serve)(struct desk *d, struct http_exchange *x);
} table[] = {
	{ HTTP_POST, "/v1/chat/completions", serve_chat },
	{ HTTP_POST, "/v1/responses", serve_responses },
	{ HTTP_GET, "/v1/responses", serve_socket },
	{ HTTP_POST, "/v1/messages", serve_messages },
	{ HTTP_POST, "/v1/messages/count_tokens", serve_count },
	{ HTTP_GET, "/v1/models", serve_models },
	{ HTTP_GET, MODELS_BELOW, serve_models },
	{ HTTP_GET, REQUESTS_BELOW, serve_account },
	{ HTTP_GET, "/v1/usage", serve_usage },
	{ HTTP_GET, "/api/hello", serve_hello },
	{ HTTP_GET, "/healthz", serve_health },
	{ HTTP_GET, "/readyz", serve_ready },
};

/* "/openai/v1/…" and "/anthropic/v1/…" are "/v1/…". */
static struct slice
bare_path(const struct http_exchange *x)
{
	static const char *const prefixes[] = { "/openai", "/anthropic" };
	struct slice path = http_path(x), rest;
	size_t i;

	for (i = 0; i < count_of(prefixes); i++) {
		rest = slice_after(path, strlen(prefixes[i]));
		if (slice_starts(path, prefixes[i]) &&
		    slice_starts(rest, "/v1/"))
			return rest;
	}
	return path;
}

/* Whose shape an answer has that no request stands behind. */
static enum dialect
dialect_of(const struct http_exchange *x)
{
	if (slice_starts(bare_path(x), "/v1/messages") ||
	    slice_starts(http_path(x), "/anthropic/") ||
	    http_header(x, "anthropic-version").len > 0)
		return DIALECT_MESSAGES;
	return DIALECT_CHAT;
}

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
	fail_body(&body, dialect_of(x), fail, slice_of(detail), slice_of(""));
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
serve_chat(struct desk *d, struct http_exchange *x)
{
	request_begin(d, x,
	    &(struct request_kind){ DIALECT_CHAT, OPERATION_GENERATE });
}

static void
serve_responses(struct desk *d, struct http_exchange *x)
{
	request_begin(d, x,
	    &(struct request_kind){ DIALECT_RESPONSES, OPERATION_GENERATE });
}

static void
serve_messages(struct desk *d, struct http_exchange *x)
{
	request_begin(d, x,
	    &(struct request_kind){ DIALECT_MESSAGES, OPERATION_GENERATE });
}

static void
serve_count(struct desk *d, struct http_exchange *x)
{
	request_begin(d, x,
	    &(struct request_kind){ DIALECT_MESSAGES, OPERATION_COUNT });
}

/* Codex asks for a WebSocket first; by this status it goes on with HTTP. */
static void
serve_socket(struct desk *d, struct http_exchange *x)
{
	(void)d;
	if (http_header(x, "Upgrade").len > 0)
		answer_fail(x, FAIL_UPGRADE_REFUSED, 426, "");
	else
		answer_fail(x, FAIL_METHOD_NOT_ALLOWED, 405, "");
}

/* Claude Code looks whether somebody is there. */
static void
serve_hello(struct desk *d, struct http_exchange *x)
{
	(void)d;
	answer_word(x, 200, "hello\n");
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

/* Answered, and told for the audit log; `c` is whose token it was, or NULL. */
static void
turn_away(struct desk *d, struct http_exchange *x, const struct caller *c,
    enum fail fail)
{
	char from[LISTEN_ADDRESS_CHARS];
	struct audit_row row = { .at = clock_wall_us(),
		.action = slice_of("call"),
		.why = slice_of(fail_name(fail)),
		.status = fail_status(fail, DIALECT_CHAT) };

	listen_address(http_socket(x), from);
	row.from = slice_of(from);
	if (c != NULL)
		row.actor = c->name;
	strangers_tell(d->node->process->strangers, &row);
	answer_fail(x, fail, (int)row.status, "");
}

/* The token's caller, or NULL after answering why not. */
static const struct caller *
known_caller(struct desk *d, struct http_exchange *x)
{
	struct slice token = caller_token(http_header(x, "Authorization"),
	    http_header(x, "x-api-key"));
	enum fail fail = FAIL_UNAUTHORIZED;
	const struct caller *c;

	callers_refresh(d->node->callers, &d->book);
	c = caller_find(d->book, token);
	if (c != NULL)
		switch (caller_state(c, clock_wall_us())) {
		case TOKEN_ACTIVE:
			return c;
		case TOKEN_EXPIRED:
			fail = FAIL_TOKEN_EXPIRED;
			break;
		case TOKEN_REVOKED:
			fail = FAIL_TOKEN_REVOKED;
			break;
		}
	turn_away(d, x, c, fail);
	return NULL;
}

static struct slice
query(const struct http_exchange *x, const char *name)
{
	struct slice value;

	return http_query(x, name, &value) ? value : slice_of("");
}

static void
serve_models(struct desk *d, struct http_exchange *x)
{
	const struct http_field type = { "Content-Type",
		slice_of("application/json") };
	struct slice id = bare_path(x);
	struct models_ask ask = { .topology = d->worker->topology,
		.caller = known_caller(d, x),
		.anthropic = dialect_of(x) == DIALECT_MESSAGES,
		.limit = query(x, "limit"),
		.after = query(x, "after_id"),
		.before = query(x, "before_id") };
	struct buf body;

	if (ask.caller == NULL)
		return;
	buf_init(&body, PAGE_MAX);
	if (!slice_starts(id, MODELS_BELOW))
		models_list(&body, &ask);
	else if (!models_one(&body, &ask,
		     slice_after(id, strlen(MODELS_BELOW))))
		answer_fail(x, FAIL_UNKNOWN_GROUP, 404, "");
	if (body.len > 0)
		http_answer(x, 200, &type, 1, &body);
	buf_fini(&body);
}

static void
serve_account(struct desk *d, struct http_exchange *x)
{
	const struct http_field type = { "Content-Type",
		slice_of("application/json") };
	const struct caller *caller = known_caller(d, x);
	struct slice id = slice_after(bare_path(x), strlen(REQUESTS_BELOW));
	struct buf body;

	if (caller == NULL)
		return;
	buf_init(&body, PAGE_MAX);
	if (account_write(&body, d->node->process->ledger, caller, id))
		http_answer(x, 200, &type, 1, &body);
	else
		answer_fail(x, FAIL_UNKNOWN_REQUEST, 404, "");
	buf_fini(&body);
}

static void
serve_usage(struct desk *d, struct http_exchange *x)
{
	const struct http_field type = { "Content-Type",
		slice_of("application/json") };
	const struct caller *caller = known_caller(d, x);
	struct buf body;

	if (caller == NULL)
		return;
	buf_init(&body, PAGE_MAX);
	allotment_write(&body, d->node->limits, d->worker->topology, caller,
	    clock_wall_us());
	http_answer(x, 200, &type, 1, &body);
	buf_fini(&body);
}

static bool
stands_for(const struct place *p, struct slice path)
{
	size_t len = strlen(p->path);

	if (p->path[len - 1] == '/')
		return path.len > len && slice_starts(path, p->path);
	return slice_is(path, p->path);
}

static bool
takes(const struct place *p, enum http_method method)
{
	return p->method == method ||
	       (method == HTTP_HEAD && p->method == HTTP_GET);
}

void
surface_on_head(void *arg, struct http_exchange *x)
{
	struct slice path = bare_path(x);
	bool path_known = false;
	size_t i;

	for (i = 0; i < count_of(table); i++) {
		if (!stands_for(&table[i], path))
			continue;
		path_known = true;
		if (takes(&table[i], http_method(x))) {
			table[i].serve(arg, x);
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
