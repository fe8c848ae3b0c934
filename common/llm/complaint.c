#include "common/llm/complaint.h"

#include <strings.h>

#include "common/format/json.h"
#include "common/llm/retry.h"

#define PHRASE_BYTES 4096  /* of a message that are searched */
#define TEXT_BYTES   65536 /* of a body that is only text */

struct word {
	const char *text;
	enum complaint_class class;
};

/*
 * Exact types, codes and reasons.  Whatever stands first decides: the
 * particular before the general, since a spent quota often has the type of a
 * passed rate.
 */
static const struct word words[] = {
	{ "insufficient_quota", COMPLAINT_QUOTA },
	{ "credit_balance_exhausted", COMPLAINT_QUOTA },
	{ "organization_spend_limit_exceeded", COMPLAINT_QUOTA },
	{ "project_spend_limit_exceeded", COMPLAINT_QUOTA },
	{ "organization_usage_limit_exceeded", COMPLAINT_QUOTA },
	{ "billing_hard_limit_reached", COMPLAINT_QUOTA },
	{ "billing_not_active", COMPLAINT_QUOTA },
	{ "billing_error", COMPLAINT_QUOTA },
	{ "enforced_spend_limit_reached", COMPLAINT_QUOTA },
	{ "contract_spend_limit_reached", COMPLAINT_QUOTA },
	{ "blocked_api_access", COMPLAINT_QUOTA },
	{ "payment_required", COMPLAINT_QUOTA },
	{ "openrouter_credits", COMPLAINT_QUOTA },
	{ "openrouter_key_limit", COMPLAINT_QUOTA },
	{ "usage_not_included", COMPLAINT_QUOTA },
	{ "context_length_exceeded", COMPLAINT_CONTEXT },
	{ "token_limit_exceeded", COMPLAINT_CONTEXT },
	{ "max_tokens_exceeded", COMPLAINT_CONTEXT },
	{ "content_policy_violation", COMPLAINT_POLICY },
	{ "content_filter", COMPLAINT_POLICY },
	{ "ResponsibleAIPolicyViolation", COMPLAINT_POLICY },
	{ "invalid_prompt", COMPLAINT_POLICY },
	{ "cyber_policy", COMPLAINT_POLICY },
	{ "bio_policy", COMPLAINT_POLICY },
	{ "misalignment_policy_violation", COMPLAINT_POLICY },
	{ "flagged_input", COMPLAINT_POLICY }, { "refusal", COMPLAINT_POLICY },
	{ "request_too_large", COMPLAINT_SIZE },
	{ "server_is_overloaded", COMPLAINT_OVERLOADED },
	{ "overloaded_error", COMPLAINT_OVERLOADED },
	{ "service_unavailable_error", COMPLAINT_OVERLOADED },
	{ "provider_overloaded", COMPLAINT_OVERLOADED },
	{ "provider_unavailable", COMPLAINT_OVERLOADED },
	{ "capacity_exceeded", COMPLAINT_OVERLOADED },
	{ "service_tier_capacity_exceeded", COMPLAINT_OVERLOADED },
	{ "3505", COMPLAINT_OVERLOADED },        /* Mistral's number for it */
	{ "tool_use_failed", COMPLAINT_FALTER }, /* Groq's */
	{ "model_not_found", COMPLAINT_MODEL },
	{ "DeploymentNotFound", COMPLAINT_MODEL },
	{ "not_found_error", COMPLAINT_MODEL },
	{ "invalid_api_key", COMPLAINT_AUTH },
	{ "authentication_error", COMPLAINT_AUTH },
	{ "permission_error", COMPLAINT_AUTH },
	{ "PermissionDenied", COMPLAINT_AUTH },
	{ "organization_on_hold", COMPLAINT_AUTH },
	{ "rate_limit_exceeded", COMPLAINT_RATE },
	{ "rate_limit_error", COMPLAINT_RATE },
	{ "rate_limited", COMPLAINT_RATE }, { "rate_limit", COMPLAINT_RATE },
	{ "ramp_limit_exceeded", COMPLAINT_RATE },
	{ "slow_down", COMPLAINT_RATE },
	{ "too_many_requests", COMPLAINT_RATE },
	{ "RateLimitReached", COMPLAINT_RATE },
	{ "upstream_provider_shared_pool", COMPLAINT_RATE },
	{ "1300", COMPLAINT_RATE }, /* Mistral's */
};

/* Where a phrase means what it seems to: bits. */
enum place {
	REFUSED = 1, /* 400, 403, 413, 422 */
	LIMITED = 2, /* 429 */
	DOWN = 4,    /* 5xx */
	STREAM = 8,  /* inside of a stream */
	OTHERS = 16,
	ANYWHERE = REFUSED | LIMITED | DOWN | STREAM | OTHERS
};

/* The same said in a message only; in order, and in lower case. */
static const struct phrase {
	const char *text;
	enum complaint_class class;
	unsigned places;
} phrases[] = {
	{ "credit balance is too low", COMPLAINT_QUOTA, ANYWHERE },
	{ "your specified api usage limits", COMPLAINT_QUOTA, ANYWHERE },
	{ "insufficient balance", COMPLAINT_QUOTA, ANYWHERE },
	{ "insufficient credits", COMPLAINT_QUOTA, ANYWHERE },
	{ "out of credits", COMPLAINT_QUOTA, ANYWHERE },
	{ "spend limit", COMPLAINT_QUOTA, ANYWHERE },
	{ "spending limit", COMPLAINT_QUOTA, ANYWHERE },
	{ "billing hard limit", COMPLAINT_QUOTA, ANYWHERE },
	{ "exceeded your current quota", COMPLAINT_QUOTA, ANYWHERE },
	{ "quota exceeded", COMPLAINT_QUOTA, REFUSED | LIMITED | STREAM },
	{ "context_length_exceeded", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "maximum context length", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "model's context length", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "less than the context length", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "context window", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "exceed context limit", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "exceeds the available context", COMPLAINT_CONTEXT,
	    REFUSED | STREAM },
	{ "prompt is too long", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "input is too long", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "reduce the length of the messages", COMPLAINT_CONTEXT,
	    REFUSED | STREAM },
	{ "too many tokens", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "token limit exceeded", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "maximum prompt length", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "input token count", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "requested token count exceeds", COMPLAINT_CONTEXT,
	    REFUSED | STREAM },
	{ "exceeds maximum length", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "too large for model with", COMPLAINT_CONTEXT, REFUSED | STREAM },
	{ "max_new_tokens` must be <=", COMPLAINT_CONTEXT, REFUSED | STREAM },
	/* One request that is over a whole minute's: no wait helps. */
	{ "request too large", COMPLAINT_SIZE, REFUSED | LIMITED | STREAM },
	{ "content filtering policy", COMPLAINT_POLICY, REFUSED | STREAM },
	{ "content management policy", COMPLAINT_POLICY, REFUSED | STREAM },
	{ "content exists risk", COMPLAINT_POLICY, REFUSED | STREAM },
	{ "engine is currently overloaded", COMPLAINT_OVERLOADED, ANYWHERE },
	{ "experiencing high demand", COMPLAINT_OVERLOADED, ANYWHERE },
	{ "tier capacity exceeded", COMPLAINT_OVERLOADED, ANYWHERE },
	{ "overloaded", COMPLAINT_OVERLOADED, DOWN | STREAM },
	{ "no available provider", COMPLAINT_OVERLOADED, DOWN | STREAM },
	{ "rate limit", COMPLAINT_RATE, STREAM },
	{ "too many requests", COMPLAINT_RATE, STREAM },
};

/* What the status says by itself. */
static const struct {
	int status;
	enum complaint_class class;
} statuses[] = {
	{ 401, COMPLAINT_AUTH },
	{ 402, COMPLAINT_QUOTA },
	{ 403, COMPLAINT_AUTH },
	{ 404, COMPLAINT_MODEL },
	{ 413, COMPLAINT_SIZE },
	{ 429, COMPLAINT_RATE },
	{ 498, COMPLAINT_OVERLOADED }, /* Groq: out of capacity */
	{ 503, COMPLAINT_OVERLOADED },
	{ 529, COMPLAINT_OVERLOADED },
};

static void
read_text(struct slice *out, struct arena *arena, const struct json_value *v)
{
	if (v != NULL && v->type == JSON_NUMBER)
		*out = v->raw;
	else if (!json_text(v, arena, out))
		*out = slice_make(NULL, 0);
}

/* FastAPI: a string, or a list of what is wrong with which field. */
static const struct json_value *
of_detail(const struct json_value *detail)
{
	if (detail != NULL && detail->type == JSON_ARRAY)
		return json_find(detail->first, "msg");
	return detail;
}

/* The object that says what is wrong, wherever a dialect puts it. */
static const struct json_value *
find_error(const struct json_value *root)
{
	const struct json_value *error = json_find(root, "error");

	if (error == NULL || error->type == JSON_NULL)
		error = json_find(json_find(root, "response"), "error");
	if (error == NULL || error->type == JSON_NULL)
		return root; /* flat */
	return error;
}

/* What some state more exactly, beside or inside of the error. */
static void
read_reason(struct complaint *c, struct arena *arena,
    const struct json_value *o)
{
	const struct json_value *metadata = json_find(o, "metadata");
	const struct json_value *const places[] = {
		json_find(json_find(o, "details"), "error_code"),
		json_find(metadata, "limit_source"), /* OpenRouter */
		json_find(metadata, "error_type"),
		json_find(json_find(o, "innererror"), "code"), /* Azure */
	};
	size_t i;

	read_text(&c->error_code, arena, places[0]);
	for (i = 0; i < count_of(places) && c->reason.len == 0; i++)
		read_text(&c->reason, arena, places[i]);
	/* OpenRouter's moderation lists what it did not like. */
	if (c->reason.len == 0 && json_find(metadata, "reasons") != NULL)
		c->reason = slice_of("flagged_input");
}

/* A wait beside the words, of OpenRouter and others. */
static void
read_retry(struct complaint *c, struct arena *arena, const struct json_value *o)
{
	const struct json_value *metadata = json_find(o, "metadata");
	const struct json_value *const places[] = {
		json_find(metadata, "retry_after_seconds"),
		json_find(json_find(metadata, "headers"), "Retry-After"),
		json_find(o, "retry_after_seconds"),
		json_find(o, "retry_after"),
		json_find(o, "resets_in_seconds"),
	};
	size_t i;

	for (i = 0; i < count_of(places) && c->retry.len == 0; i++)
		read_text(&c->retry, arena, places[i]);
}

static bool
says_error(const struct json_value *v)
{
	return v != NULL && slice_is(v->raw, "\"error\"");
}

static void
read_object(struct complaint *c, struct arena *arena,
    const struct json_value *root)
{
	const struct json_value *o = find_error(root);

	c->stated = o != root || says_error(json_find(root, "type")) ||
		    says_error(json_find(root, "object"));
	if (o->type == JSON_STRING) {
		read_text(&c->message, arena, o);
		return;
	}
	if (o->type != JSON_OBJECT)
		o = root;
	read_text(&c->type, arena, json_find(o, "type"));
	read_text(&c->code, arena, json_find(o, "code"));
	read_text(&c->param, arena, json_find(o, "param"));
	read_text(&c->message, arena, json_find(o, "message"));
	if (c->message.len == 0)
		read_text(&c->message, arena,
		    of_detail(json_find(o, "detail")));
	/* The event's type, not the error's. */
	if (o == root && slice_is(c->type, "error"))
		c->type.len = 0;
	read_reason(c, arena, o);
	read_retry(c, arena, o);
}

static struct slice
trim(struct slice text)
{
	while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL)
		text = slice_after(text, 1);
	return text;
}

void
complaint_read(struct complaint *c, struct arena *arena, struct slice body)
{
	const struct json_value *root = NULL;
	struct json_error error;

	*c = (struct complaint){ 0 };
	if (body.len <= COMPLAINT_BYTES_MAX)
		root = json_parse(arena, body, &error);
	if (root != NULL) {
		read_object(c, arena, root);
		return;
	}
	c->message = trim(body);
	c->message.len = min_size(c->message.len, TEXT_BYTES);
	/* A page of some proxy says nothing that a program can show. */
	if (slice_starts(c->message, "<"))
		c->message.len = 0;
}

/* Does the phrase, which is lower case, stand in the text? */
static bool
says(struct slice text, const char *phrase)
{
	size_t at, len = strlen(phrase);

	for (at = 0; at + len <= text.len; at++)
		if ((text.ptr[at] | 0x20) == phrase[0] &&
		    strncasecmp(text.ptr + at, phrase, len) == 0)
			return true;
	return false;
}

static enum complaint_class
class_of_words(const struct complaint *c)
{
	size_t i;

	for (i = 0; i < count_of(words); i++)
		if (slice_is(c->type, words[i].text) ||
		    slice_is(c->code, words[i].text) ||
		    slice_is(c->reason, words[i].text))
			return words[i].class;
	return COMPLAINT_OTHER;
}

static unsigned
place_of(int status)
{
	switch (status) {
	case 0:
		return STREAM;
	case 400:
	case 403:
	case 413:
	case 422:
		return REFUSED;
	case 429:
		return LIMITED;
	default:
		return status >= 500 ? DOWN : OTHERS;
	}
}

static enum complaint_class
class_of_phrases(struct slice message, unsigned place)
{
	size_t i;

	message.len = min_size(message.len, PHRASE_BYTES);
	for (i = 0; i < count_of(phrases); i++)
		if ((phrases[i].places & place) != 0 &&
		    says(message, phrases[i].text))
			return phrases[i].class;
	return COMPLAINT_OTHER;
}

static enum complaint_class
class_of_status(int status)
{
	size_t i;

	for (i = 0; i < count_of(statuses); i++)
		if (statuses[i].status == status)
			return statuses[i].class;
	return COMPLAINT_OTHER;
}

/* OpenRouter's code is the status that the error would have had. */
static int
status_in_code(struct slice code)
{
	int64_t status;

	return json_raw_int(code, &status) && status >= 400 && status < 600
		   ? (int)status
		   : 0;
}

enum complaint_class
complaint_classify(const struct complaint *c, int status)
{
	enum complaint_class by_words = class_of_words(c), by_phrase;

	/* OpenRouter's 402 for too much at once passes by itself. */
	if (slice_is(c->reason, "openrouter_in_flight_budget"))
		return COMPLAINT_RATE;
	/* A rate's words are also said of what is over any rate. */
	if (by_words != COMPLAINT_OTHER && by_words != COMPLAINT_RATE)
		return by_words;
	by_phrase = class_of_phrases(c->message, place_of(status));
	/* Some call a minute's rate a quota, and say when it is back. */
	if (by_phrase == COMPLAINT_QUOTA && status == 429 &&
	    complaint_retry_after_ms(c) > 0)
		return COMPLAINT_RATE;
	if (by_phrase != COMPLAINT_OTHER)
		return by_phrase;
	if (by_words != COMPLAINT_OTHER && status != 413)
		return by_words;
	return class_of_status(status != 0 ? status : status_in_code(c->code));
}

int64_t
complaint_retry_after_ms(const struct complaint *c)
{
	struct slice message = c->message;
	int64_t ms = retry_wait_ms(c->retry);

	message.len = min_size(message.len, PHRASE_BYTES);
	return ms > 0 ? ms : retry_told_ms(message);
}
