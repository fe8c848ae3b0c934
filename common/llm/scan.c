#include "common/llm/scan.h"

#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/llm/event.h"

/* Events of 4 MiB that have a value for every eight bytes fit. */
#define ARENA_BYTES (32 << 20)

#define DONE "[DONE]"

void
scan_init(struct scan *s, enum dialect dialect)
{
	*s = (struct scan){ .dialect = dialect, .sequence = -1 };
	arena_init(&s->arena, ARENA_BYTES);
}

static void
drop_root(struct scan *s)
{
	s->root = NULL;
	arena_fini(&s->arena);
}

void
scan_fini(struct scan *s)
{
	drop_root(s);
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
	struct json_error error;
	enum scan_kind kind;

	drop_root(s);
	if (event->data.len == 0)
		return SCAN_QUIET;
	if (is_done(event->data)) {
		/* Some gateways put it behind every dialect. */
		if (s->dialect != DIALECT_CHAT)
			return SCAN_QUIET;
		s->done = true;
		return SCAN_TERMINAL;
	}
	s->root = json_parse(&s->arena, event->data, &error);
	if (s->root == NULL || s->root->type != JSON_OBJECT) {
		drop_root(s);
		return SCAN_BROKEN;
	}
	kind = s->dialect == DIALECT_CHAT ? chunk_read(s, s->root, event->name)
					  : event_read(s, s->root, event->name);
	s->error |= kind == SCAN_ERROR;
	return kind;
}

static bool
says(const struct json_index *index, const char *name, const char *word)
{
	const struct json_member *m = json_index_find(index, name);

	return m != NULL && m->type == JSON_STRING &&
	       slice_is(slice_make(m->raw.ptr + 1, m->raw.len - 2), word);
}

static bool
is_failure(const struct json_index *index)
{
	const struct json_member *m = json_index_find(index, "error");

	return (m != NULL && m->type != JSON_NULL) ||
	       says(index, "type", "error") || says(index, "object", "error") ||
	       says(index, "status", "failed") ||
	       says(index, "status", "cancelled");
}

/* { "input_tokens": N } and nothing else of note. */
static bool
read_count(struct scan *s, const struct json_index *index)
{
	const struct json_member *m = json_index_find(index, "input_tokens");
	int64_t tokens;

	s->done = s->finished = m != NULL && json_raw_int(m->raw, &tokens);
	return s->done;
}

static void
read_answer(struct scan *s, const struct json_index *index)
{
	static const char *const content[DIALECTS] = {
		[DIALECT_CHAT] = "choices",
		[DIALECT_RESPONSES] = "output",
		[DIALECT_MESSAGES] = "content",
	};
	const struct json_member *m = json_index_find(index, "usage");
	struct json_error error;

	if (m != NULL)
		s->has_usage = usage_read(&s->usage, s->dialect,
		    json_parse(&s->arena, m->raw, &error));
	m = json_index_find(index, "tool_usage");
	if (m != NULL && s->dialect == DIALECT_RESPONSES)
		usage_note_tools(&s->usage,
		    json_parse(&s->arena, m->raw, &error));
	m = json_index_find(index, "id");
	if (m != NULL)
		event_note_id(s, m->raw);
	m = json_index_find(index, content[s->dialect]);
	s->content = m != NULL && m->type == JSON_ARRAY;
	s->finished = s->done = s->content && !s->error;
}

bool
scan_answer(struct scan *s, struct slice body)
{
	struct json_index index;
	struct json_error error;
	bool good;

	drop_root(s);
	good = json_index(&index, &s->arena, body, &error);
	if (good) {
		s->error = is_failure(&index);
		if (!s->count)
			read_answer(s, &index);
		else if (!s->error)
			good = read_count(s, &index);
	}
	drop_root(s);
	return good;
}

bool
scan_complete(const struct scan *s)
{
	if (s->error)
		return false;
	return s->done || (s->dialect == DIALECT_CHAT && s->finished);
}

void
scan_usage(const struct scan *s, bool complete, struct usage *usage)
{
	*usage = s->usage;
	usage->source =
	    complete && !s->usage_early ? USAGE_PROVIDER : USAGE_PARTIAL;
	if (s->usage_early)
		usage->output_tokens = max_i64(usage->output_tokens,
		    usage_tokens_of_bytes(s->content_bytes));
}
