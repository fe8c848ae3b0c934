/*
 * What own_chat makes of a body parses, has our model and cap, asks for usage
 * when told to, and keeps every other member as it was.  Doing it twice
 * changes nothing more.
 */
#include <assert.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/llm/own.h"
#include "common/llm/shape.h"

#define ARENA_BYTES (64 << 20)
#define CAP         100

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return crypto_start() ? 0 : 1;
}

static void
join(struct buf *out, const struct splice *splice)
{
	size_t i;

	for (i = 0; i < splice->count; i++)
		buf_put_slice(out, splice->parts[i]);
	assert(!out->failed && out->len == splice->bytes);
}

static bool
is_owned(struct slice name)
{
	return slice_is(name, "model") || slice_is(name, "max_tokens") ||
	       slice_is(name, "max_completion_tokens") ||
	       slice_is(name, "stream_options");
}

static void
check(const struct json_index *before, const struct json_index *after,
    const struct own_terms *terms, struct arena *arena)
{
	const struct json_member *m;
	struct shape shape;
	const char *why;
	size_t i;

	for (i = 0; i < before->count; i++) {
		assert(slice_eq(before->members[i].key, after->members[i].key));
		assert(is_owned(before->members[i].name) ||
		       slice_eq(before->members[i].raw, after->members[i].raw));
	}
	m = json_index_find(after, "messages");
	if (m == NULL || !shape_of_chat(&shape, arena, after, &why))
		return;
	assert(slice_eq(shape.model, terms->model));
	assert(shape.output_cap >= 1 && shape.output_cap <= CAP);
	assert(shape.stream == terms->stream);
	assert(!terms->stream || shape.wants_usage);
}

static void
own(struct slice text, const struct own_terms *terms)
{
	struct json_index before, after;
	struct json_error error;
	struct splice splice;
	struct arena arena;
	const char *why;
	struct buf out;

	arena_init(&arena, ARENA_BYTES);
	buf_init(&out, text.len + 1000);
	if (json_index(&before, &arena, text, &error) &&
	    before.count + 2 <= JSON_TOP_MAX &&
	    own_chat(&splice, &arena, &before, terms, &why)) {
		join(&out, &splice);
		assert(json_index(&after, &arena, buf_slice(&out), &error));
		check(&before, &after, terms, &arena);
		assert(own_chat(&splice, &arena, &after, terms, &why));
		assert(splice.changes == 0 && splice.count == 1);
	}
	buf_fini(&out);
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct own_terms terms = { slice_of("pro\"vider/m"), CAP,
		"max_completion_tokens", false, true };

	own(slice_make(bytes, len), &terms);
	terms.stream = true;
	own(slice_make(bytes, len), &terms);
	return 0;
}
