#pragma once
/*
 * secret: bytes that must not be printed, swapped, dumped or left behind.
 * They lie in guarded, locked memory and are wiped when freed.  There is no
 * function that formats one; secret_view hands the bytes to code that has to
 * use them, which copies them nowhere that lives on.  Immutable after
 * secret_new, so threads may share one by secret_hold.
 */
#include "common/base/slice.h"

struct secret;

/* Copies; the caller wipes its own bytes. */
struct secret *secret_new(const void *bytes, size_t len)
    __attribute__((returns_nonnull));

/* One more owner. */
struct secret *secret_hold(struct secret *s);

/* The last owner wipes and frees; NULL is fine. */
void secret_free(struct secret *s);

/* Good while held; never log it, never keep it. */
struct slice secret_view(const struct secret *s);

/*
 * Read a secret from a descriptor (to its end, at most max bytes), without
 * the line break that editors and `echo` put last.  NULL when reading fails,
 * or the secret is empty or too long.
 */
struct secret *secret_read(int fd, size_t max);
