#include "topology/review.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"

#define OUTPUT_BYTES_MAX (4 * 1024 * 1024)

struct review *
review_new(const char *dir, const char *only_node)
{
	struct review *r = xcalloc(1, sizeof(*r));

	arena_init(&r->arena, FOLDER_ARENA_BYTES);
	mistakes_init(&r->mistakes, &r->arena);
	folder_read(&r->folder, &r->arena, &r->mistakes, dir, only_node);
	return r;
}

void
review_free(struct review *r)
{
	arena_fini(&r->arena);
	free(r);
}

int
review_tell(struct review *r)
{
	size_t all = r->mistakes.count + r->mistakes.more;
	struct buf text;

	if (all == 0)
		return EXIT_SUCCESS;
	buf_init(&text, OUTPUT_BYTES_MAX);
	mistakes_put(&r->mistakes, &text);
	buf_printf(&text, "%s: %zu mistake%s\n", r->folder.dir, all,
	    all == 1 ? "" : "s");
	complain(&text);
	buf_fini(&text);
	return EXIT_FAILURE;
}

void
say(const struct buf *text)
{
	if (text->len > 0)
		fwrite(text->data, 1, text->len, stdout);
}

void
complain(const struct buf *text)
{
	if (text->len > 0)
		fwrite(text->data, 1, text->len, stderr);
}
