/*
 * Both modes of the parser agree on what JSON is; what the index says of the
 * top level is what the tree says; every value, cut out, parses again; text
 * unescaped and escaped again stays what it is.
 */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"

#define ARENA_BYTES (64 << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

/* Unescape, escape, unescape: the first and the last are the same. */
static void
check_text(struct arena *arena, const struct json_value *v)
{
	struct slice text, again;
	struct buf out;

	if (!json_text(v, arena, &text))
		return;
	assert(text.len <= v->raw.len - 2);
	buf_init(&out, 6 * text.len + 2);
	json_put_text(&(struct json_writer){ .out = &out }, text);
	assert(!out.failed);
	assert(json_raw_text(buf_slice(&out), arena, &again));
	assert(slice_eq(text, again));
	buf_fini(&out);
}

static size_t
check_value(struct arena *arena, const struct json_value *v)
{
	const struct json_value *child;
	size_t count = 0, all = 1;

	if (v->type == JSON_STRING)
		check_text(arena, v);
	for (child = v->first; child != NULL; child = child->next) {
		assert(child->raw.ptr >= v->raw.ptr);
		assert(
		    child->raw.ptr + child->raw.len < v->raw.ptr + v->raw.len);
		if (v->type == JSON_OBJECT)
			assert(json_find(v, "") == NULL ||
			       child->name.len > 0 ||
			       json_find(v, "") == child);
		all += check_value(arena, child);
		count++;
	}
	assert(count == v->count);
	return all;
}

static void
check_index(const struct json_index *index, const struct json_value *root)
{
	const struct json_value *child = root->first;
	size_t i;

	assert(index->count == root->count);
	for (i = 0; i < index->count; i++, child = child->next) {
		assert(slice_eq(index->members[i].name, child->name));
		assert(slice_eq(index->members[i].raw, child->raw));
		assert(index->members[i].type == child->type);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice text = slice_make(bytes, len);
	const struct json_value *root;
	struct json_index index;
	struct json_error error;
	struct arena arena;
	bool indexed;

	arena_init(&arena, ARENA_BYTES);
	root = json_parse(&arena, text, &error);
	if (root == NULL)
		assert(error.why != NULL && error.at <= len);
	indexed = json_index(&index, &arena, text, &error);
	if (root == NULL || root->type != JSON_OBJECT)
		assert(!indexed);
	else
		assert(indexed == (root->count <= JSON_TOP_MAX));
	if (indexed)
		check_index(&index, root);
	if (root != NULL && check_value(&arena, root) < 1000)
		assert(json_parse(&arena, root->raw, &error) != NULL);
	arena_fini(&arena);
	return 0;
}
