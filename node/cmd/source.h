#pragma once
/*
 * source: files that a command is given, and policies among them.  What is
 * wrong with one is printed on standard error.
 */
#include "common/base/slice.h"

struct arena;

/* All of the file, in the arena. */
must_check bool source_read(struct arena *arena, const char *path, size_t max,
    struct slice *text);

/* The JavaScript of a policy: a .js as it is, else compiled now by `tsc`
 * (NULL: where compiler_run looks by itself). */
must_check bool source_policy(struct arena *arena, const char *tsc,
    const char *path, struct slice *js);

/* Says what is wrong with a file; false. */
bool source_complain(const char *path, const char *text);
