#include "node/trial/session.h"

#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/secret.h"
#include "common/format/json.h"
#include "common/member/vault.h"
#include "common/net/control.h"
#include "common/net/loop.h"
#include "node/trial/docket.h"
#include "node/trial/question.h"
#include "node/trial/trial.h"

#define URL_MAX     8192
#define EXPLAIN_MAX (4 * 1024 * 1024)
#define TREE_MAX    ((size_t)256 * 1024 * 1024)

#define NO_TOKEN "gsr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define NO_GROUP "gsr-test-no-such-group"

struct session {
	const struct session_wish *wish;
	struct loop *loop;
	struct loop_task next;
	struct errand *errand;
	struct secret *wrong;
	size_t at; /* of the docket's entries */
};

static const char *
path_of(const struct docket_entry *e)
{
	static const char *const paths[DIALECTS] = {
		[DIALECT_CHAT] = "/v1/chat/completions",
		[DIALECT_RESPONSES] = "/v1/responses",
		[DIALECT_MESSAGES] = "/v1/messages",
	};

	return (e->trial->asks & ASK_COUNT) != 0 ? "/v1/messages/count_tokens"
						 : paths[e->dialect];
}

/* How many upstream calls the node made for a request; -1: it does not say. */
static int64_t
attempts_of(const struct session *s, const char *request)
{
	const struct json_value *root, *list;
	char target[160];
	struct json_error error;
	struct arena arena;
	struct buf answer;
	int64_t count = -1;
	int status;

	snprintf(target, sizeof(target), "/admin/explain/%s?format=json",
	    request);
	buf_init(&answer, EXPLAIN_MAX);
	arena_init(&arena, TREE_MAX);
	if (control_call(s->wish->state_dir, "GET", target, slice_make(NULL, 0),
		&status, &answer) == CONTROL_OK &&
	    status == 200) {
		root = json_parse(&arena, buf_slice(&answer), &error);
		list = json_find(root, "attempts");
		if (list != NULL && list->type == JSON_ARRAY)
			count = (int64_t)list->count;
	}
	arena_fini(&arena);
	buf_fini(&answer);
	return count;
}

static void
write_body(struct buf *body, const struct docket *d,
    const struct docket_entry *e)
{
	const struct question q = { .trial = e->trial,
		.dialect = e->dialect,
		.model = e->direct ? e->target->direct->model
			 : e->expects == EXPECTS_UNKNOWN_GROUP
			     ? slice_of(NO_GROUP)
			     : d->group,
		.cap_key = e->direct ? e->target->direct->cap_key.ptr
				     : "max_completion_tokens" };

	question_write(body, &q);
	/* What was whole JSON is none without its last brace. */
	if (e->expects == EXPECTS_INVALID)
		body->len--;
}

/* The fields of a request beside auth. */
static size_t
write_fields(struct http_field fields[3], const struct docket_entry *e)
{
	size_t n = 0;

	fields[n++] =
	    (struct http_field){ "Content-Type", slice_of("application/json") };
	if (e->dialect == DIALECT_MESSAGES)
		fields[n++] = (struct http_field){ "anthropic-version",
			slice_of("2023-06-01") };
	if (!e->direct && e->target != NULL)
		fields[n++] = (struct http_field){ SESSION_TARGET_FIELD,
			e->target->name };
	return n;
}

static void
ask_router(struct session *s, const struct docket_entry *e,
    struct errand_wish *errand)
{
	char url[URL_MAX];

	snprintf(url, sizeof(url), "%s%s", s->wish->base_url, path_of(e));
	errand->url = url;
	errand->ca_file = s->wish->ca_file;
	errand->auth_field = "Authorization";
	errand->auth_prefix = "Bearer ";
	errand->key =
	    e->expects == EXPECTS_UNAUTHORIZED ? s->wrong : s->wish->token;
	errand_go(s->errand, errand);
}

static const char *
text_or_null(struct slice text)
{
	return text.len > 0 ? text.ptr : NULL;
}

static void
ask_upstream(struct session *s, struct docket_entry *e,
    struct errand_wish *errand)
{
	const struct docket_direct *direct = e->target->direct;
	struct secret *key = NULL;

	if (direct->secret.len > 0)
		key = vault_get(s->wish->vault, direct->secret.ptr);
	if (direct->secret.len > 0 && key == NULL) {
		e->outcome = OUTCOME_FAILED;
		snprintf(e->why, sizeof(e->why), "no-secret");
		loop_soon(s->loop, &s->next);
		return;
	}
	errand->url = direct->url.ptr;
	errand->ca_file = text_or_null(direct->ca_file);
	errand->auth_field = direct->auth_field.ptr;
	errand->auth_prefix = direct->auth_prefix.ptr;
	errand->key = key;
	errand_go(s->errand, errand);
	secret_free(key);
}

static void
show(const struct session *s, const struct docket_entry *e)
{
	if (!s->wish->progress)
		return;
	fprintf(stderr, "\r\033[K%zu of %zu: ", s->at + 1,
	    s->wish->docket->count);
	if (e->target != NULL)
		fprintf(stderr, "%.*s ", SLICE_FMT(e->target->name));
	fprintf(stderr, "%s", e->name);
}

static void
ask(struct session *s, struct docket_entry *e)
{
	struct http_field fields[3];
	struct errand_wish errand = { .fields = fields };
	struct buf body;

	show(s, e);
	buf_init(&body, ERRAND_ANSWER_MAX);
	write_body(&body, s->wish->docket, e);
	errand.fields_count = write_fields(fields, e);
	errand.body = buf_slice(&body);
	if (e->direct)
		ask_upstream(s, e, &errand);
	else
		ask_router(s, e, &errand);
	buf_fini(&body);
}

static void
go_on(void *arg)
{
	struct session *s = arg;
	struct docket *d = s->wish->docket;

	while (s->at < d->count && d->entries[s->at].outcome != OUTCOME_OPEN)
		s->at++;
	if (s->at < d->count)
		ask(s, &d->entries[s->at]);
	else
		loop_stop(s->loop);
}

static void
on_answer(void *arg, const struct errand_answer *answer)
{
	struct session *s = arg;
	struct docket_entry *e = &s->wish->docket->entries[s->at];
	int64_t attempts = -1;

	if (e->expects == EXPECTS_NO_TARGET)
		attempts = attempts_of(s, answer->request);
	docket_judge(e, answer, attempts);
	/* Not from inside of the transfer that has just ended. */
	loop_soon(s->loop, &s->next);
}

void
session_run(const struct session_wish *wish)
{
	struct session s = { .wish = wish, .loop = loop_new("test") };

	s.wrong = secret_new(NO_TOKEN, strlen(NO_TOKEN));
	loop_task_init(&s.next, go_on, &s);
	s.errand = errand_new(s.loop, on_answer, &s);
	loop_soon(s.loop, &s.next);
	loop_run(s.loop);
	if (wish->progress)
		fprintf(stderr, "\r\033[K");
	errand_free(s.errand);
	loop_free(s.loop);
	secret_free(s.wrong);
}
