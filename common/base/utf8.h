#pragma once
/*
 * utf8: which bytes are characters.  As RFC 3629 has it: no overlong forms, no
 * surrogates, nothing above U+10FFFF.  Pure.
 */
#include "common/base/lang.h"

#define UTF8_MAX         4 /* bytes of one character */
#define UTF8_REPLACEMENT "\xef\xbf\xbd"

/* Bytes of the character that starts at `at`; 0 when none does. */
size_t utf8_char(const char *at, const char *end);

/* The first byte, from `at` on, that is ASCII or not UTF-8; or `end`. */
const char *utf8_skip(const char *at, const char *end);

/* Write a code point below 0x110000; gives its bytes. */
size_t utf8_write(char out[UTF8_MAX], uint32_t point);
