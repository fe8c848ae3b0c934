#pragma once
/*
 * text: whole files as strings, for tests that change one word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "topology/file.h"

#define FILE_TEXT_MAX ((size_t)1024 * 1024)

/* The whole file as a string that the caller frees. */
static inline char *
read_text(const char *path)
{
	struct arena arena;
	struct slice text;
	char *copy;

	arena_init(&arena, 2 * FILE_TEXT_MAX);
	if (file_read(&arena, path, FILE_TEXT_MAX, &text) != FILE_FINE)
		fail_msg("%s cannot be read", path);
	copy = xstrndup(text.ptr, text.len);
	arena_fini(&arena);
	return copy;
}

static inline void
write_text(const char *path, const char *text)
{
	assert_true(file_write(path, 0644, slice_of(text)));
}

/* Replace the first `find` of a file; it has to be there. */
static inline void
edit(const char *path, const char *find, const char *put)
{
	char *text = read_text(path), *at = strstr(text, find), *changed;

	if (at == NULL)
		fail_msg("%s has no '%s'", path, find);
	changed = xmalloc(strlen(text) + strlen(put) + 1);
	sprintf(changed, "%.*s%s%s", (int)(at - text), text, put,
	    at + strlen(find));
	write_text(path, changed);
	free(changed);
	free(text);
}
