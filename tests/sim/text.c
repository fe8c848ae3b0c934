#include "tests/sim/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_FIRST 512

void
text_fini(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}

void
text_room(struct text *t, size_t n)
{
	size_t cap = t->cap ? t->cap : TEXT_FIRST;

	if (t->cap - t->len >= n)
		return;
	while (cap - t->len < n)
		cap *= 2;
	t->at = realloc(t->at, cap);
	if (!t->at) {
		perror("sim: realloc");
		abort();
	}
	t->cap = cap;
}

void
text_add(struct text *t, const void *bytes, size_t n)
{
	if (!n)
		return;
	text_room(t, n);
	memcpy(t->at + t->len, bytes, n);
	t->len += n;
}

static void
add_digits(struct text *t, uint64_t n, unsigned base)
{
	char digits[20], *p = digits + sizeof(digits);

	do {
		*--p = "0123456789abcdef"[n % base];
		n /= base;
	} while (n);
	text_add(t, p, (size_t)(digits + sizeof(digits) - p));
}

void
text_num(struct text *t, uint64_t n)
{
	add_digits(t, n, 10);
}

void
text_form(struct text *t, const char *form, ...)
{
	va_list args;
	int n;

	text_room(t, TEXT_FIRST);
	va_start(args, form);
	n = vsnprintf(t->at + t->len, t->cap - t->len, form, args);
	va_end(args);
	if (n > 0 && (size_t)n >= t->cap - t->len) {
		text_room(t, (size_t)n + 1);
		va_start(args, form);
		n = vsnprintf(t->at + t->len, t->cap - t->len, form, args);
		va_end(args);
	}
	t->len += n > 0 ? (size_t)n : 0;
}

void
text_hex(struct text *t, uint64_t n)
{
	add_digits(t, n, 16);
}

void
text_json(struct text *t, const char *bytes, size_t n)
{
	char escape[8];
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '"' || c == '\\') {
			text_add(t, "\\", 1);
			text_add(t, &c, 1);
		} else if (c < 0x20) {
			snprintf(escape, sizeof(escape), "\\u%04x", c);
			text_add(t, escape, 6);
		} else {
			text_add(t, &c, 1);
		}
	}
}

void
text_fill(struct text *t, char byte, size_t n)
{
	text_room(t, n);
	memset(t->at + t->len, byte, n);
	t->len += n;
}

void
text_drop(struct text *t, size_t n)
{
	t->len -= n;
	if (t->len)
		memmove(t->at, t->at + n, t->len);
}
