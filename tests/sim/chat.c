#include "tests/sim/chat.h"

#include <string.h>

#define CREATED "1795387329" /* a constant, so that answers compare */

struct refusal {
	const char *name;
	uint64_t status;
	const char *type, *code, *message; /* code NULL: null */
};

/* The first row of a status is what that status says by itself. */
static const struct refusal refusals[] = {
	{ "server", 500, "server_error", NULL, "The server had an error" },
	{ "rate", 429, "requests", "rate_limit_exceeded",
	    "Rate limit reached for requests. Please try again in 1s." },
	{ "quota", 429, "insufficient_quota", "insufficient_quota",
	    "You exceeded your current quota" },
	{ "billing", 402, "billing_error", "billing_not_active",
	    "Your account is not active" },
	{ "overloaded", 503, "service_unavailable_error",
	    "server_is_overloaded", "The engine is currently overloaded" },
	{ "key", 401, "invalid_request_error", "invalid_api_key",
	    "Incorrect API key provided" },
	{ "forbidden", 403, "permission_error", NULL, "Not allowed" },
	{ "model", 404, "invalid_request_error", "model_not_found",
	    "The model does not exist" },
	{ "invalid", 400, "invalid_request_error", NULL, "Invalid request" },
	{ "context", 400, "invalid_request_error", "context_length_exceeded",
	    "This model's maximum context length is 8192 tokens" },
	{ "policy", 400, "invalid_request_error", "content_policy_violation",
	    "Your request was rejected by the safety system" },
	{ "large", 413, "invalid_request_error", NULL, "Request too large" },
	{ "path", 404, "invalid_request_error", "unknown_url", "Invalid URL" },
	{ "words", 400, "sim_error", "bad_words",
	    "sim: a word of the script is not known; see stderr" },
};

static const struct refusal *
find_refusal(const char *name, uint64_t status)
{
	size_t i, rows = sizeof(refusals) / sizeof(refusals[0]);

	for (i = 0; i < rows; i++)
		if (*name ? !strcmp(refusals[i].name, name)
			  : refusals[i].status == status)
			return &refusals[i];
	return &refusals[0];
}

void
chat_help(FILE *to)
{
	size_t i, rows = sizeof(refusals) / sizeof(refusals[0]);

	for (i = 0; i < rows; i++)
		fprintf(to, "  %-18s %lu %s\n", refusals[i].name,
		    refusals[i].status, refusals[i].message);
	fputs("  html, empty        a page, nothing; say the status too\n", to);
}

static void
put(struct text *out, const char *name, const char *value)
{
	text_str(out, name);
	text_str(out, ": ");
	text_str(out, value);
	text_str(out, "\r\n");
}

static void
put_flood(struct text *out, uint64_t headers)
{
	uint64_t i;

	for (i = 0; i < headers; i++) {
		text_str(out, "x-flood-");
		text_num(out, i);
		text_str(out, ": 0123456789abcdef\r\n");
	}
}

static void
put_head(struct text *out, const struct chat *c, uint64_t status,
    const char *type, size_t length)
{
	const struct script *s = c->script;

	text_str(out, "HTTP/1.1 ");
	text_num(out, status);
	text_str(out, status < 300 ? " OK\r\n" : " Scripted\r\n");
	put(out, "content-type", type);
	if (length == CHAT_CHUNKED) {
		text_str(out, "transfer-encoding: chunked\r\n");
		text_str(out, "cache-control: no-cache\r\n");
	} else {
		text_str(out, "content-length: ");
		text_num(out, length);
		text_str(out, "\r\n");
	}
	text_str(out, "x-request-id: req_sim_");
	text_num(out, c->n);
	text_str(out, "\r\n");
	if (*s->retry_after)
		put(out, "retry-after", s->retry_after);
	if (*s->redirect)
		put(out, "location", s->redirect);
	if (!strcmp(s->garbage, "gzip"))
		put(out, "content-encoding", "gzip");
	if (s->close)
		put(out, "connection", "close");
	text_str(out, s->header);
	put_flood(out, s->header_flood);
	text_str(out, "\r\n");
}

void
chat_head(struct text *out, const struct chat *c, const char *type,
    size_t length)
{
	put_head(out, c, c->script->status, type, length);
}

static void
put_error(struct text *out, const struct refusal *r)
{
	text_str(out, "{\"error\":{\"message\":\"");
	text_str(out, r->message);
	text_str(out, "\",\"type\":\"");
	text_str(out, r->type);
	text_str(out, "\",\"param\":null,\"code\":");
	if (r->code)
		text_str(out, "\"");
	text_str(out, r->code ? r->code : "null");
	text_str(out, r->code ? "\"}}" : "}}");
}

static uint64_t
refusal_status(const struct script *s, const struct refusal *r, bool ours)
{
	if (ours)
		return r->status;
	if (*s->redirect)
		return 302;
	return s->status < 300 ? r->status : s->status;
}

uint64_t
chat_refuse(struct text *out, const struct chat *c, const char *name)
{
	const struct script *s = c->script;
	const struct refusal *r;
	struct text body = { 0 };
	uint64_t status;

	r = find_refusal(*name ? name : s->body, s->status);
	status = refusal_status(s, r, *name);
	if (s->body_len)
		text_add(&body, s->body, s->body_len);
	else if (!strcmp(s->body, "html"))
		text_str(&body, "<html><body>Bad Gateway</body></html>");
	else if (strcmp(s->body, "empty"))
		put_error(&body, r);
	put_head(out, c, status,
	    strcmp(s->body, "html") ? "application/json" : "text/html",
	    body.len);
	text_add(out, body.at, body.len);
	text_fini(&body);
	return status;
}

static void
put_content(struct text *out, const struct chat *c, uint64_t i)
{
	const struct script *s = c->script;
	size_t from = out->len, size = s->size;

	if (c->echo.len) {
		if (!i)
			text_json(out, c->echo.at, c->echo.len);
		return;
	}
	if (!strcmp(s->garbage, "utf8"))
		text_str(out, "\xff\xc0\x80");
	text_str(out, "t");
	text_num(out, i);
	text_str(out, " ");
	if (s->huge)
		size = s->tokens ? (s->huge + s->tokens - 1) / s->tokens : 1;
	if (out->len - from < size)
		text_fill(out, 'x', size - (out->len - from));
}

static void
put_usage(struct text *out, const struct script *s)
{
	uint64_t completion =
	    s->completion == SCRIPT_UNSET ? s->tokens : s->completion;

	text_str(out, "{\"prompt_tokens\":");
	text_num(out, s->prompt);
	text_str(out, ",\"completion_tokens\":");
	text_num(out, completion);
	text_str(out, ",\"total_tokens\":");
	text_num(out, s->prompt + completion);
	text_str(out, ",\"prompt_tokens_details\":{\"cached_tokens\":");
	text_num(out, s->cached);
	text_str(out, ",\"audio_tokens\":0},\"completion_tokens_details\":"
		      "{\"reasoning_tokens\":");
	text_num(out, s->reasoning);
	text_str(out, ",\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
		      "\"rejected_prediction_tokens\":0}}");
}

static void
put_start(struct text *out, const struct chat *c, const char *object)
{
	text_str(out, "{\"id\":\"chatcmpl-sim");
	text_num(out, c->n);
	text_str(out, "\",\"object\":\"");
	text_str(out, object);
	text_str(out, "\",\"created\":" CREATED ",\"model\":\"");
	text_str(out, c->model);
	text_str(out, "\",\"service_tier\":\"default\","
		      "\"system_fingerprint\":\"fp_sim\",\"choices\":[");
}

static const char *
finish(const struct chat *c)
{
	return *c->script->finish ? c->script->finish : "stop";
}

static bool
without_usage(const struct chat *c)
{
	return !strcmp(c->script->usage, "none");
}

void
chat_answer(struct text *out, const struct chat *c)
{
	uint64_t i;

	put_start(out, c, "chat.completion");
	text_str(out, "{\"index\":0,\"message\":{\"role\":\"assistant\","
		      "\"content\":\"");
	for (i = 0; i < c->script->tokens; i++)
		put_content(out, c, i);
	text_str(out, "\",\"refusal\":null,\"annotations\":[]},"
		      "\"logprobs\":null,\"finish_reason\":\"");
	text_str(out, finish(c));
	text_str(out, "\"}]");
	if (!without_usage(c)) {
		text_str(out, ",\"usage\":");
		put_usage(out, c->script);
	}
	text_str(out, "}");
}

static void
start_event(struct text *out, const struct chat *c)
{
	text_str(out, "data: ");
	put_start(out, c, "chat.completion.chunk");
}

static void
end_event(struct text *out, const struct chat *c)
{
	if (c->usage)
		text_str(out, ",\"usage\":null");
	text_str(out, "}\n\n");
}

void
chat_first(struct text *out, const struct chat *c)
{
	start_event(out, c);
	text_str(out, "{\"index\":0,\"delta\":{\"role\":\"assistant\","
		      "\"content\":\"\",\"refusal\":null},\"logprobs\":null,"
		      "\"finish_reason\":null}]");
	end_event(out, c);
}

void
chat_chunk(struct text *out, const struct chat *c, uint64_t i)
{
	start_event(out, c);
	text_str(out, "{\"index\":0,\"delta\":{\"content\":\"");
	put_content(out, c, i);
	text_str(out, "\"},\"logprobs\":null,\"finish_reason\":null}]");
	end_event(out, c);
}

void
chat_last(struct text *out, const struct chat *c)
{
	start_event(out, c);
	text_str(out, "{\"index\":0,\"delta\":{},\"logprobs\":null,"
		      "\"finish_reason\":\"");
	text_str(out, finish(c));
	text_str(out, "\"}]");
	end_event(out, c);
	if (c->usage && !without_usage(c)) {
		start_event(out, c);
		text_str(out, "],\"usage\":");
		put_usage(out, c->script);
		text_str(out, "}\n\n");
	}
	if (!c->script->no_done)
		text_str(out, "data: [DONE]\n\n");
}

void
chat_error_event(struct text *out, const struct chat *c)
{
	text_str(out, "data: ");
	put_error(out, find_refusal(c->script->body, 500));
	text_str(out, "\n\n");
}
