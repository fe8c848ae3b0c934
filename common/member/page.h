#pragma once
/*
 * page: the operators' pages at /admin/, as they were compiled in: one
 * document, its styles and its modules.  They hold nothing of anybody, so
 * whoever reaches the listener may have them; what they show, they ask for.
 * Nothing in them comes from another host, and the headers keep it so.
 */
#include "common/base/slice.h"

struct http_exchange;

/* One file; `path` is below /admin/, `tag` is its ETag. */
struct page_file {
	const char *path, *type, *tag, *text;
	size_t size;
};

/* NULL when there is none of that path. */
const struct page_file *page_find(struct slice path);

/* Answer what asks for a page; false: it asks for something else. */
must_check bool page_answer(struct http_exchange *x);
