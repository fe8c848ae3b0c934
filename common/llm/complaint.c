#include "common/llm/complaint.h"

#include <strings.h>

#include "common/format/json.h"

#define PHRASE_BYTES 4096 /* of a message that are searched */

/* Exact type, code or reason of an account that has to be topped up. */
static const char *const quota_words[] = {
	"insufficient_quota",
	"credit_balance_exhausted",
	"organization_spend_limit_exceeded",
	"project_spend_limit_exceeded",
	"organization_usage_limit_exceeded",
	"billing_hard_limit_reached",
	"billing_not_active",
	"billing_error",
	"enforced_spend_limit_reached",
	"contract_spend_limit_reached",
	"blocked_api_access",
	"payment_required",
	"openrouter_credits",
	"openrouter_key_limit",
};

/* The same said in words only; "quota" alone may be a rate. */
static const char *const quota_phrases[] = {
	"credit balance is too low",
	"your specified api usage limits",
	"insufficient balance",
	"insufficient credits",
	"out of credits",
	"spend limit",
	"spending limit",
	"billing hard limit",
};

static const char *const size_phrases[] = {
	"request too large",
	"maximum context length",
	"less than the context length",
	"context window",
	"prompt is too long",
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

static void
read_object(struct complaint *c, struct arena *arena,
    const struct json_value *root)
{
	const struct json_value *o = json_find(root, "error"), *v;

	if (o != NULL && o->type == JSON_STRING) {
		read_text(&c->message, arena, o);
		return;
	}
	if (o == NULL || o->type != JSON_OBJECT)
		o = root;
	read_text(&c->type, arena, json_find(o, "type"));
	read_text(&c->code, arena, json_find(o, "code"));
	read_text(&c->param, arena, json_find(o, "param"));
	read_text(&c->message, arena, json_find(o, "message"));
	if (c->message.len == 0)
		read_text(&c->message, arena,
		    of_detail(json_find(o, "detail")));
	v = json_find(json_find(o, "metadata"), "limit_source");
	if (v == NULL)
		v = json_find(json_find(o, "details"), "error_code");
	read_text(&c->reason, arena, v);
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
	c->message.len = min_size(c->message.len, COMPLAINT_BYTES_MAX);
	/* A page of some proxy says nothing that a program can show. */
	if (slice_starts(c->message, "<"))
		c->message.len = 0;
}

static bool
is_word(struct slice word, const char *const *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_is(word, words[i]))
			return true;
	return false;
}

/* Does any of the phrases, which are lower case, stand in the text? */
static bool
says(struct slice text, const char *const *phrases, size_t count)
{
	size_t i, at, len;

	text.len = min_size(text.len, PHRASE_BYTES);
	for (i = 0; i < count; i++) {
		len = strlen(phrases[i]);
		for (at = 0; at + len <= text.len; at++)
			if ((text.ptr[at] | 0x20) == phrases[i][0] &&
			    strncasecmp(text.ptr + at, phrases[i], len) == 0)
				return true;
	}
	return false;
}

bool
complaint_is_quota(const struct complaint *c)
{
	return is_word(c->type, quota_words, count_of(quota_words)) ||
	       is_word(c->code, quota_words, count_of(quota_words)) ||
	       is_word(c->reason, quota_words, count_of(quota_words)) ||
	       says(c->message, quota_phrases, count_of(quota_phrases));
}

bool
complaint_is_size(const struct complaint *c)
{
	return slice_is(c->code, "context_length_exceeded") ||
	       says(c->message, size_phrases, count_of(size_phrases));
}
