#pragma once
/*
 * memory: malloc that does not fail.  Everything a peer can grow has a maximum
 * of its own, so running out here means the machine is out of memory: the
 * process logs one line and aborts, and recovery does the rest.
 */
#include "common/base/lang.h"

void *xmalloc(size_t bytes) __attribute__((malloc, returns_nonnull));

/* Zeroed; aborts when count * bytes overflows. */
void *xcalloc(size_t count, size_t bytes)
    __attribute__((malloc, returns_nonnull));

void *xrealloc(void *old, size_t bytes) __attribute__((returns_nonnull));

char *xstrdup(const char *text) __attribute__((malloc, returns_nonnull));

/* A NUL-terminated copy of `len` bytes. */
char *xstrndup(const char *text, size_t len)
    __attribute__((malloc, returns_nonnull));
