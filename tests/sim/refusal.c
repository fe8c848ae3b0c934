#include "tests/sim/refusal.h"

#include <string.h>

/*
 * The first row of a status is what that status says by itself.  Anthropic
 * has one type for each kind of error and tells kinds of 400 by message.
 */
static const struct refusal refusals[] = {
	{ "server", { { 500, "server_error", NULL, "The server had an error" },
			{ 500, "api_error", NULL, "Internal server error" } } },
	{ "rate",
	    { { 429, "requests", "rate_limit_exceeded",
		  "Rate limit reached for requests. Please try again in 1s." },
		{ 429, "rate_limit_error", NULL,
		    "This request would exceed your organization's rate "
		    "limit" } } },
	{ "quota", { { 429, "insufficient_quota", "insufficient_quota",
			 "You exceeded your current quota" },
		       { 402, "billing_error", NULL,
			   "Your credit balance is too low" } } },
	{ "billing", { { 402, "billing_error", "billing_not_active",
			   "Your account is not active" },
			 { 402, "billing_error", NULL,
			     "Your account is not active" } } },
	{ "overloaded",
	    { { 503, "service_unavailable_error", "server_is_overloaded",
		  "The engine is currently overloaded" },
		{ 529, "overloaded_error", NULL, "Overloaded" } } },
	{ "key",
	    { { 401, "invalid_request_error", "invalid_api_key",
		  "Incorrect API key provided" },
		{ 401, "authentication_error", NULL, "invalid x-api-key" } } },
	{ "forbidden", { { 403, "permission_error", NULL, "Not allowed" },
			   { 403, "permission_error", NULL, "Not allowed" } } },
	{ "model", { { 404, "invalid_request_error", "model_not_found",
			 "The model does not exist" },
		       { 404, "not_found_error", NULL,
			   "The model does not exist" } } },
	{ "invalid",
	    { { 400, "invalid_request_error", NULL, "Invalid request" },
		{ 400, "invalid_request_error", NULL, "Invalid request" } } },
	{ "context",
	    { { 400, "invalid_request_error", "context_length_exceeded",
		  "This model's maximum context length is 8192 tokens" },
		{ 400, "invalid_request_error", NULL,
		    "prompt is too long: 9000 tokens > 8192 maximum" } } },
	{ "policy",
	    { { 400, "invalid_request_error", "content_policy_violation",
		  "Your request was rejected by the safety system" },
		{ 400, "invalid_request_error", NULL,
		    "Output blocked by content filtering policy" } } },
	{ "large",
	    { { 413, "invalid_request_error", NULL, "Request too large" },
		{ 413, "request_too_large", NULL,
		    "Request exceeds the maximum size" } } },
	{ "path",
	    { { 404, "invalid_request_error", "unknown_url", "Invalid URL" },
		{ 404, "not_found_error", NULL, "Not found" } } },
	{ "words",
	    { { 400, "sim_error", "bad_words",
		  "sim: a word of the script is not known; see stderr" },
		{ 400, "sim_error", NULL,
		    "sim: a word of the script is not known (bad_words); "
		    "see stderr" } } },
};

#define ROWS (sizeof(refusals) / sizeof(refusals[0]))

const struct refusal *
refusal_find(const char *name, uint64_t status, enum refusal_family family)
{
	size_t i;

	for (i = 0; i < ROWS; i++)
		if (*name ? !strcmp(refusals[i].name, name)
			  : refusals[i].words[family].status == status)
			return &refusals[i];
	return &refusals[0];
}

static void
write_openai(struct text *out, const struct words *w)
{
	text_form(out, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",",
	    w->message, w->type);
	if (w->code)
		text_form(out, "\"param\":null,\"code\":\"%s\"}}", w->code);
	else
		text_str(out, "\"param\":null,\"code\":null}}");
}

void
refusal_write(struct text *out, const struct refusal *r,
    enum refusal_family family, uint64_t n)
{
	const struct words *w = &r->words[family];

	if (family == FAMILY_OPENAI)
		write_openai(out, w);
	else
		text_form(out,
		    "{\"type\":\"error\",\"error\":{\"type\":\"%s\","
		    "\"message\":\"%s\"},\"request_id\":\"req_sim_%lu\"}",
		    w->type, w->message, n);
}

void
refusal_help(FILE *to)
{
	const struct words *w;
	size_t i;

	for (i = 0; i < ROWS; i++) {
		w = refusals[i].words;
		fprintf(to, "  %-18s %lu %s\n", refusals[i].name, w->status,
		    w->message);
		fprintf(to, "  %-18s %lu %s\n", "", w[FAMILY_ANTHROPIC].status,
		    w[FAMILY_ANTHROPIC].type);
	}
	fputs("  html, empty        a page, nothing; say the status too\n", to);
}
