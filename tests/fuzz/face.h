#pragma once
/*
 * face: one dialect, to callers and to providers, for a harness of it.  The
 * first byte chooses: a caller's body, read and said to every target, or a
 * provider's words, one event a line, heard and told to every caller.  The
 * second is what the target is like.  For one file of a program.
 */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/splice.h"
#include "node/dialect/bridge.h"
#include "node/dialect/raw.h"

#define FACE_ARENA ((size_t)256 << 20)
#define FACE_TEXT  (64u << 20)
#define FACE_ASKED                                                             \
	"{\"model\":\"m\",\"input\":\"hi\",\"tools\":[{\"type\":\"function\"," \
	"\"name\":\"f\",\"parameters\":{}},{\"type\":\"custom\",\"name\":"     \
	"\"patch\"},{\"type\":\"namespace\",\"name\":\"s\",\"tools\":[{"       \
	"\"type\":\"function\",\"name\":\"g\",\"parameters\":{}}]},{\"type\":" \
	"\"tool_search\",\"execution\":\"client\",\"parameters\":{}}]}"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

static const struct json_value *
face_parse(struct arena *arena, struct slice text)
{
	struct json_error error;

	return json_parse(arena, text, &error);
}

static bool
face_read(struct turn *t, struct arena *arena, enum dialect d,
    const struct json_value *root)
{
	const char *why = NULL;
	bool good;

	turn_init(t, arena, d);
	good = caller_face(d)->read(t, root, &why);
	assert(good || (why != NULL && *why != '\0'));
	return good;
}

/* Said to a target, it is JSON; and its own caller's face can read it. */
static void
face_say(const struct turn *t, enum dialect target, unsigned like)
{
	const struct target_terms terms = { .model = slice_of("m"),
		.output_cap = (like & 1) * 100,
		.cap_key = "max_tokens",
		.reasons = (like & 2) != 0,
		.quirks = like >> 2 };
	const struct json_value *root;
	struct splice splice;
	struct turn back;
	struct buf all;
	size_t i;

	assert(target_write(&splice, target, t, &terms));
	buf_init(&all, FACE_TEXT);
	for (i = 0; i < splice.count; i++)
		buf_put_slice(&all, splice.parts[i]);
	assert(!all.failed && all.len == splice.bytes);
	root = face_parse(t->arena, buf_slice(&all));
	assert(root != NULL && root->type == JSON_OBJECT);
	if (face_read(&back, t->arena, target, root))
		assert(back.stream == t->stream);
	buf_fini(&all);
}

static void
face_request(enum dialect d, struct slice body, unsigned like)
{
	const struct json_value *root;
	struct arena arena;
	struct turn t;
	int target;

	arena_init(&arena, FACE_ARENA);
	root = face_parse(&arena, body);
	if (root != NULL && root->type == JSON_OBJECT &&
	    face_read(&t, &arena, d, root))
		for (target = 0; target < DIALECTS; target++)
			face_say(&t, (enum dialect)target, like);
	arena_fini(&arena);
}

static void
face_hear(struct bridge *b, struct arena *arena, struct slice lines, bool whole)
{
	const struct json_value *v;
	const char *end;

	while (lines.len > 0 && !bridge_broken(b)) {
		end = memchr(lines.ptr, '\n', lines.len);
		if (end == NULL)
			end = lines.ptr + lines.len;
		v = face_parse(arena,
		    slice_make(lines.ptr, (size_t)(end - lines.ptr)));
		if (v != NULL && whole)
			b->from->hear_whole(&b->hearing, v);
		else
			bridge_event(b, v);
		lines = slice_after(lines, (size_t)(end - lines.ptr) + 1);
	}
}

/* Every block that was opened is closed, in a whole answer or a stream. */
static void
face_answer(enum dialect from, enum dialect to, struct slice lines, bool whole)
{
	static const struct usage usage = { .input_tokens = 1 };
	struct bridge_wish wish = { .from = from,
		.to = to,
		.id = "01JD0000000000000000000000",
		.whole = whole,
		.wants_usage = true,
		.wants_blobs = true };
	struct arena arena;
	struct bridge *b;
	struct turn t;
	unsigned i;

	arena_init(&arena, FACE_ARENA);
	assert(face_read(&t, &arena, DIALECT_RESPONSES,
	    face_parse(&arena, slice_of(FACE_ASKED))));
	wish.turn = &t;
	b = bridge_new(&wish);
	face_hear(b, &arena, lines, whole);
	bridge_end(b, &usage);
	if (!bridge_broken(b)) {
		assert(b->telling.finished && b->out.len > 0);
		for (i = 0; i < b->telling.count; i++)
			assert(!b->telling.blocks[i]->open);
		assert(
		    !whole || face_parse(&arena, buf_slice(&b->out)) != NULL);
	}
	bridge_free(b);
	arena_fini(&arena);
}

static int
face_fuzz(enum dialect d, const uint8_t *bytes, size_t len)
{
	struct slice rest;
	int to;

	if (len < 2)
		return 0;
	rest = slice_make(bytes + 2, len - 2);
	if (bytes[0] % 2 == 0)
		face_request(d, rest, bytes[1] | (bytes[0] & 0xfeu) << 7);
	else
		for (to = 0; to < DIALECTS; to++)
			face_answer(d, (enum dialect)to, rest,
			    bytes[1] % 2 == 0);
	return 0;
}
