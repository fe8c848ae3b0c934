/*
 * As a caller's request: a turn that is read can be written, and what is
 * written is JSON.  As a provider's events, one a line: whatever they are,
 * the caller is told JSON, numbered, with one end.
 */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/format/sse.h"
#include "common/format/weave.h"
#include "node/dialect/responses/responses.h"

#define ARENA_MAX ((size_t)256 << 20)
#define TEXT_MAX  (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct looking {
	struct arena *arena;
	int64_t number;
	unsigned ends;
};

static const struct json_value *
parse(struct arena *arena, struct slice text)
{
	struct json_error error;

	return json_parse(arena, text, &error);
}

static void
write(struct turn *t, bool reasons)
{
	struct target_terms terms = { .reasons = reasons,
		.model = slice_of("m") };
	struct weave w;
	struct slice *parts;
	struct buf all;
	size_t i, count, bytes;

	weave_init(&w);
	responses_write(&w, t, &terms);
	parts = weave_parts(&w, t->arena, &count, &bytes);
	weave_fini(&w);
	buf_init(&all, TEXT_MAX);
	for (i = 0; i < count; i++)
		buf_put_slice(&all, parts[i]);
	assert(parse(t->arena, buf_slice(&all)) != NULL);
	buf_fini(&all);
}

static void
read(struct turn *t, struct slice body)
{
	const struct json_value *root = parse(t->arena, body);
	const char *why = NULL;

	turn_init(t, t->arena, DIALECT_RESPONSES);
	if (root == NULL)
		return;
	if (responses_read(t, root, &why)) {
		write(t, true);
		write(t, false);
		return;
	}
	assert(why != NULL);
	turn_init(t, t->arena, DIALECT_RESPONSES);
}

static void
hear(struct hearing *h, struct arena *arena, struct slice lines)
{
	const struct json_value *v;
	const char *end;

	while (lines.len > 0 && !h->broken) {
		end = memchr(lines.ptr, '\n', lines.len);
		if (end == NULL)
			end = lines.ptr + lines.len;
		v = parse(arena,
		    slice_make(lines.ptr, (size_t)(end - lines.ptr)));
		if (v != NULL && json_find(v, "type") == NULL)
			responses_hear_whole(h, v);
		else if (v != NULL)
			responses_hear(h, v);
		lines = slice_after(lines, (size_t)(end - lines.ptr) + 1);
	}
	hearing_end(h);
}

static void
look(void *arg, const struct sse_event *event)
{
	struct looking *l = arg;
	const struct json_value *v = parse(l->arena, event->data);

	assert(v != NULL);
	assert(number_of(json_find(v, "sequence_number"), -1) == l->number++);
	l->ends += slice_is(event->name, "response.completed") ||
		   slice_is(event->name, "response.incomplete");
}

static void
answer(struct turn *t, struct slice lines, bool whole)
{
	struct looking l = { .arena = t->arena };
	struct hearing h;
	struct telling told;
	struct buf out;
	struct sse sse;

	buf_init(&out, TEXT_MAX);
	telling_init(&told, DIALECT_RESPONSES, t);
	told.id = "01JD0000000000000000000000";
	told.out = &out;
	told.whole = whole;
	told.wants_blobs = true;
	hearing_init(&h, telling_take, &told);
	hear(&h, t->arena, lines);
	assert(told.finished && !told.broken);
	telling_end(&told, &(struct usage){ 0 });
	if (whole) {
		assert(parse(t->arena, buf_slice(&out)) != NULL);
	} else {
		sse_init(&sse, TEXT_MAX);
		assert(sse_feed(&sse, buf_slice(&out), look, &l));
		sse_fini(&sse);
		assert(l.ends == 1);
	}
	telling_fini(&told);
	buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice input = slice_make(bytes, len);
	struct arena arena;
	struct turn t;

	if (!crypto_start())
		return 0;
	arena_init(&arena, ARENA_MAX);
	t.arena = &arena;
	read(&t, input);
	answer(&t, input, false);
	answer(&t, input, true);
	arena_fini(&arena);
	return 0;
}
