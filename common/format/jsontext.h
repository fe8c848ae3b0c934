#pragma once
/*
 * jsontext: the inside of a JSON string: checking, unescaping, finding what
 * has to be escaped.  For json's own files; others use json.h.  Pure.
 */
#include "common/base/slice.h"

/*
 * The first byte from `at` on that is not plain: a quote, a backslash, a
 * control byte, or not ASCII; `end` when all are plain.
 */
const char *jsontext_plain(const char *at, const char *end);

/*
 * Check a string whose opening quote stands before `at`: gives its closing
 * quote, or NULL with *why and the offending byte in *bad.  *escaped tells
 * whether there was a backslash.
 */
const char *jsontext_end(const char *at, const char *end, bool *escaped,
    const char **bad, const char **why);

/*
 * Unescape what stands between the quotes of a checked string; `out` has room
 * for raw.len bytes.  Gives the bytes written.
 */
size_t jsontext_unescape(char *out, struct slice raw);
