#include "common/llm/scan.h"

#include "common/format/json.h"
#include "common/format/sse.h"

/* An event of a mebibyte that is all values takes half of it. */
#define ARENA_BYTES (64 << 20)

#define DONE "[DONE]"

/* Finish reasons by which providers end an answer that failed. */
static const char *const failed_reasons[] = { "error", "abort",
	"insufficient_system_resource" };

void
scan_init(struct scan *s, enum dialect dialect)
{
	*s = (struct scan){ .dialect = dialect };
	arena_init(&s->arena, ARENA_BYTES);
}

void
scan_fini(struct scan *s)
{
	arena_fini(&s->arena);
}

static bool
is_something(const struct json_value *v)
{
	return v != NULL && v->type != JSON_NULL;
}

static bool
is_text(const struct json_value *v, const char *text)
{
	size_t len = strlen(text);

	return v != NULL && v->type == JSON_STRING && v->raw.len == len + 2 &&
	       memcmp(v->raw.ptr + 1, text, len) == 0;
}

/* Some providers put the error itself where a chunk should be. */
static bool
is_error(const struct json_value *root)
{
	return is_something(json_find(root, "error")) ||
	       is_text(json_find(root, "object"), "error");
}

/*
 * Bytes of text, refusal, reasoning, tool calls: of whatever is there but the
 * role.  Escapes and a tool call's braces count as they stand.
 */
static size_t
content_of(const struct json_value *delta)
{
	const struct json_value *v;
	size_t bytes = 0;

	if (delta == NULL)
		return 0;
	for (v = delta->first; v != NULL; v = v->next) {
		if (slice_is(v->name, "role"))
			continue;
		if (v->type == JSON_STRING && v->raw.len > 2)
			bytes += v->raw.len - 2;
		else if (v->count > 0)
			bytes += v->raw.len;
	}
	return bytes;
}

/* What the choices of a chunk have in them. */
struct found {
	size_t choices, content; /* how many, and bytes in them */
	bool finish, failed;
};

static struct found
look_at(const struct json_value *choices)
{
	const struct json_value *c, *reason;
	struct found found = { 0 };
	size_t i;

	if (choices == NULL || choices->type != JSON_ARRAY)
		return found;
	found.choices = choices->count;
	for (c = choices->first; c != NULL; c = c->next) {
		found.content += content_of(json_find(c, "delta"));
		reason = json_find(c, "finish_reason");
		if (!is_something(reason) || is_text(reason, ""))
			continue;
		found.finish = true;
		for (i = 0; i < count_of(failed_reasons); i++)
			found.failed |= is_text(reason, failed_reasons[i]);
	}
	return found;
}

static bool
note_usage(struct scan *s, const struct json_value *object)
{
	struct usage usage;

	if (!usage_read(&usage, s->dialect, object))
		return false;
	s->usage = usage;
	s->has_usage = true;
	return true;
}

static enum scan_kind
chunk(struct scan *s, const struct json_value *root, bool named_error)
{
	struct found found = look_at(json_find(root, "choices"));
	bool usage = note_usage(s, json_find(root, "usage"));
	bool repeated = s->finished && found.content == 0;

	if (named_error || found.failed || is_error(root)) {
		s->error = true;
		return SCAN_ERROR;
	}
	s->content |= found.content > 0;
	s->content_bytes += (int64_t)found.content;
	s->finished |= found.finish;
	if (usage && (found.choices == 0 || repeated))
		return SCAN_USAGE;
	if (found.content > 0 || (found.finish && !repeated))
		return SCAN_CONTENT;
	return SCAN_QUIET;
}

static bool
is_done(struct slice data)
{
	while (data.len > 0 && strchr(" \t", data.ptr[data.len - 1]) != NULL)
		data.len--;
	return slice_is(data, DONE);
}

enum scan_kind
scan_event(struct scan *s, const struct sse_event *event)
{
	const struct json_value *root;
	struct json_error error;
	enum scan_kind kind;

	if (s->dialect != DIALECT_CHAT || event->data.len == 0)
		return SCAN_QUIET;
	if (is_done(event->data)) {
		s->done = true;
		return SCAN_TERMINAL;
	}
	root = json_parse(&s->arena, event->data, &error);
	kind = SCAN_BROKEN;
	if (root != NULL && root->type == JSON_OBJECT)
		kind = chunk(s, root, slice_is(event->name, "error"));
	arena_fini(&s->arena);
	return kind;
}

bool
scan_answer(struct scan *s, struct slice body)
{
	const struct json_member *m;
	struct json_index index;
	struct json_error error;
	bool good = json_index(&index, &s->arena, body, &error);

	if (good && s->dialect == DIALECT_CHAT) {
		m = json_index_find(&index, "usage");
		if (m != NULL)
			note_usage(s, json_parse(&s->arena, m->raw, &error));
		m = json_index_find(&index, "error");
		s->error = m != NULL && m->type != JSON_NULL;
		m = json_index_find(&index, "choices");
		s->content = m != NULL && m->type == JSON_ARRAY;
		s->finished = s->done = s->content && !s->error;
	}
	arena_fini(&s->arena);
	return good;
}
