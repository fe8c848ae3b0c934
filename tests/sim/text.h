#pragma once
/*
 * text: growing bytes, and the few ways this program writes them.  Owned by
 * whoever declares it; all zero is empty.  Want of memory is fatal.  A text
 * is never shared between threads: there is one.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	char *at;
	size_t len, cap;
};

/* Bytes inside a text that may move: where they start, how many. */
struct span {
	size_t from, len;
};

void text_fini(struct text *t);

/* Make room for n more bytes; write them at at + len, then add to len. */
void text_room(struct text *t, size_t n);

void text_add(struct text *t, const void *bytes, size_t n);

/* Inline, so that the length of a constant costs nothing. */
static inline void
text_str(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

/* Decimal. */
void text_num(struct text *t, uint64_t n);

/* As printf. */
void text_form(struct text *t, const char *form, ...)
    __attribute__((format(printf, 2, 3)));

/* Hexadecimal, as HTTP chunk sizes are. */
void text_hex(struct text *t, uint64_t n);

/* The inside of a JSON string; bytes that are no ASCII pass as they are. */
void text_json(struct text *t, const char *bytes, size_t n);

/* n times the same byte. */
void text_fill(struct text *t, char byte, size_t n);

/* Drop the first n bytes. */
void text_drop(struct text *t, size_t n);
