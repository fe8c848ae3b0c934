#pragma once
/*
 * file: whole small files in and out.  A file is written beside its place and
 * renamed, so that a reader finds the old one or the new one.
 */
#include "common/base/slice.h"

struct arena;

enum file_read { FILE_FINE, FILE_MISSING, FILE_TOO_LARGE, FILE_FAILED };

/* All bytes, at most `max`, in the arena; errno tells of FILE_FAILED. */
enum file_read file_read(struct arena *arena, const char *path, size_t max,
    struct slice *text);

/* Durable; false and errno when it failed, and nothing has changed then. */
must_check bool file_write(const char *path, unsigned mode, struct slice text);

/* The same, but refuses (EEXIST) to replace a file. */
must_check bool file_create(const char *path, unsigned mode, struct slice text);
