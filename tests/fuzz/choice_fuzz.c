/*
 * What others say of a request's way: a policy's answer, and the tags that a
 * caller puts into a header.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "node/policy/choice.h"
#include "node/tag.h"

#define WHY_MAX   4096
#define ARENA_MAX (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_choice(struct slice text)
{
	const struct slice names[] = { slice_of("a/x"), slice_of("b/y"),
		slice_of("own/org/z") };
	bool seen[count_of(names)] = { false };
	struct choice c;
	struct buf why;
	size_t i;

	buf_init(&why, WHY_MAX);
	if (choice_parse(&c, text,
		&(struct choice_names){ names, count_of(names) }, &why)) {
		assert(c.count > 0 && c.count <= count_of(names));
		for (i = 0; i < c.count; i++) {
			assert(c.order[i] < count_of(names));
			assert(!seen[c.order[i]]);
			seen[c.order[i]] = true;
		}
		assert(strlen(c.note) <= CHOICE_NOTE_CHARS);
	} else {
		assert(why.len > 0);
	}
	buf_fini(&why);
}

/* What is taken once is taken again, as it is. */
static void
check_tags(struct slice text)
{
	struct slice tags, again;
	struct arena arena;
	const char *why;

	arena_init(&arena, ARENA_MAX);
	if (tags_read(&tags, &arena, text, &why)) {
		assert(tags_read(&again, &arena, tags, &why));
		assert(slice_eq(tags, again));
	}
	arena_fini(&arena);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice text = slice_make(bytes, len);

	check_choice(text);
	if (len <= WHY_MAX)
		check_tags(text);
	return 0;
}
