#include "node/trial/testimony.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/scan.h"
#include "node/dialect/target.h"
#include "node/trial/question.h"
#include "node/trial/trial.h"

#define TEXT_MAX  (1024 * 1024)
#define EVENT_MAX (4 * 1024 * 1024)
#define TREE_MAX  ((size_t)256 * 1024 * 1024)
#define CALLS_MAX 8

struct call {
	unsigned block;
	char name[HEARING_NAME_MAX + 1];
	struct buf arguments; /* inside of a string */
};

struct testimony {
	const struct testimony_wish *wish;
	struct scan scan;
	struct hearing hearing;
	struct arena arena;
	struct buf text; /* inside of a string */
	struct call calls[CALLS_MAX];
	size_t calls_count;
	bool thought, broken;
};

static void
open_call(struct testimony *t, const struct delta *d)
{
	struct call *c;

	if (t->calls_count == CALLS_MAX) {
		t->broken = true;
		return;
	}
	c = &t->calls[t->calls_count++];
	c->block = d->block;
	snprintf(c->name, sizeof(c->name), "%.*s", SLICE_FMT(d->name));
	buf_init(&c->arguments, TEXT_MAX);
}

static void
add_arguments(struct testimony *t, const struct delta *d)
{
	size_t i;

	for (i = 0; i < t->calls_count; i++)
		if (t->calls[i].block == d->block)
			buf_put_slice(&t->calls[i].arguments, d->text);
}

static void
take(void *arg, const struct delta *d)
{
	struct testimony *t = arg;

	if (d->kind == DELTA_OPEN && d->what == BLOCK_THINKING)
		t->thought = true;
	else if (d->kind == DELTA_OPEN && block_is_call(d->what))
		open_call(t, d);
	else if (d->kind == DELTA_TEXT && d->what == BLOCK_CALL)
		add_arguments(t, d);
	else if (d->kind == DELTA_TEXT && d->what == BLOCK_TEXT)
		buf_put_slice(&t->text, d->text);
}

static void
on_event(void *arg, const struct sse_event *event)
{
	struct testimony *t = arg;
	enum scan_kind kind = scan_event(&t->scan, event);

	if (kind == SCAN_BROKEN || kind == SCAN_ERROR)
		t->broken = true;
	else if (t->scan.root != NULL)
		target_face(t->wish->dialect)->hear(&t->hearing, t->scan.root);
}

static void
hear_stream(struct testimony *t)
{
	struct sse sse;

	sse_init(&sse, EVENT_MAX);
	if (!sse_feed(&sse, t->wish->body, on_event, t))
		t->broken = true;
	sse_fini(&sse);
}

static void
hear_whole(struct testimony *t)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&t->arena, t->wish->body, &error);
	if (root == NULL || !scan_answer(&t->scan, t->wish->body))
		t->broken = true;
	else
		target_face(t->wish->dialect)->hear_whole(&t->hearing, root);
}

static void
hear(struct testimony *t)
{
	scan_init(&t->scan, t->wish->dialect);
	hearing_init(&t->hearing, take, t);
	arena_init(&t->arena, TREE_MAX);
	buf_init(&t->text, TEXT_MAX);
	if ((t->wish->trial->asks & ASK_STREAM) != 0)
		hear_stream(t);
	else
		hear_whole(t);
	if (!t->hearing.broken)
		hearing_end(&t->hearing);
	t->broken |= t->hearing.broken || t->text.failed;
}

static void
forget(struct testimony *t)
{
	size_t i;

	for (i = 0; i < t->calls_count; i++)
		buf_fini(&t->calls[i].arguments);
	buf_fini(&t->text);
	arena_fini(&t->arena);
	scan_fini(&t->scan);
}

/* The inside of a string, unescaped; empty when it is none. */
static struct slice
plain(struct testimony *t, const struct buf *inside)
{
	struct slice text, none = { NULL, 0 };
	struct buf quoted;

	buf_init(&quoted, TEXT_MAX + 2);
	buf_putc(&quoted, '"');
	buf_put_slice(&quoted, buf_slice(inside));
	buf_putc(&quoted, '"');
	if (!json_raw_text(buf_slice(&quoted), &t->arena, &text))
		text = none;
	else
		text = arena_copy(&t->arena, text);
	buf_fini(&quoted);
	return text;
}

/* The JSON object that stands in it, or NULL. */
static const struct json_value *
object_in(struct testimony *t, const struct buf *inside)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(&t->arena, plain(t, inside), &error);
	return root != NULL && root->type == JSON_OBJECT ? root : NULL;
}

static bool
says(struct testimony *t, const char *word)
{
	struct slice text = plain(t, &t->text);
	size_t n = strlen(word), i;

	for (i = 0; i + n <= text.len; i++)
		if (strncasecmp(text.ptr + i, word, n) == 0)
			return true;
	return false;
}

static bool
has_text(struct testimony *t)
{
	struct slice text = plain(t, &t->text);
	size_t i;

	for (i = 0; i < text.len; i++)
		if (text.ptr[i] != ' ' && text.ptr[i] != '\n')
			return true;
	return false;
}

/* "" when that tool was called with what it takes. */
static const char *
judge_call(struct testimony *t, const char *name)
{
	const struct json_value *arguments, *city;
	size_t i;

	for (i = 0; i < t->calls_count; i++) {
		if (strcmp(t->calls[i].name, name) != 0)
			continue;
		arguments = object_in(t, &t->calls[i].arguments);
		city = json_find(arguments, "city");
		if (city == NULL || city->type != JSON_STRING ||
		    arguments->count != 1)
			return "bad-arguments";
		return "";
	}
	return t->calls_count == 0 ? "no-call" : "wrong-call";
}

static const char *
judge_calls(struct testimony *t)
{
	const char *first = judge_call(t, QUESTION_TOOL);

	if (*first != '\0')
		return first;
	if (t->calls_count < 2)
		return "one-call";
	return judge_call(t, QUESTION_TOOL_2);
}

static const char *
judge_schema(struct testimony *t)
{
	const struct json_value *root = object_in(t, &t->text);
	const struct json_value *colour = json_find(root, "colour");
	int64_t side;

	if (root == NULL)
		return "not-json";
	if (colour == NULL || colour->type != JSON_STRING ||
	    !json_int(json_find(root, "side"), &side) || root->count != 2)
		return "not-the-schema";
	return "";
}

static const char *
judge_capped(const struct testimony *t)
{
	struct usage usage;

	scan_usage(&t->scan, true, &usage);
	if (usage.source != USAGE_PROVIDER || usage_output(&usage) == 0)
		return "no-usage";
	return usage_output(&usage) > TRIAL_LITTLE_TOKENS ? "over-cap" : "";
}

static const char *
judge_thought(const struct testimony *t)
{
	struct usage usage;

	scan_usage(&t->scan, true, &usage);
	return t->thought || usage.reasoning_tokens > 0 ? "" : "no-reasoning";
}

static const char *
judge(struct testimony *t)
{
	const struct trial *trial = t->wish->trial;

	if (t->broken)
		return "broken";
	if (!scan_complete(&t->scan))
		return "cut-off";
	switch (trial->want) {
	case WANT_CALL:
		return judge_call(t, QUESTION_TOOL);
	case WANT_CALLS:
		return judge_calls(t);
	case WANT_SCHEMA:
		return judge_schema(t);
	case WANT_CAPPED:
		return judge_capped(t);
	case WANT_THOUGHT:
		return judge_thought(t);
	case WANT_WORD:
		return says(t, trial->word) ? "" : "not-seen";
	default:
		return has_text(t) ? "" : "no-text";
	}
}

/* A count is no answer of a model's. */
static const char *
judge_count(struct slice body)
{
	struct json_error error;
	struct arena arena;
	int64_t tokens;
	bool counted;

	arena_init(&arena, TREE_MAX);
	counted = json_int(json_find(json_parse(&arena, body, &error),
			       "input_tokens"),
		      &tokens) &&
		  tokens > 0;
	arena_fini(&arena);
	return counted ? "" : "no-count";
}

const char *
testimony_judge(const struct testimony_wish *wish)
{
	struct testimony t = { .wish = wish };
	const char *why;

	if (wish->trial->want == WANT_COUNT)
		return judge_count(wish->body);
	hear(&t);
	why = judge(&t);
	forget(&t);
	return why;
}
