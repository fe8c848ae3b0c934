#include "common/format/base64.h"

#define NO_DIGIT (-1)

static int
digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : NO_DIGIT;
}

struct base64
base64_begin(struct slice text)
{
	if (text.ptr == NULL)
		text = slice_of(""); /* takes no arithmetic */
	return (struct base64){ .at = text.ptr, .end = text.ptr + text.len };
}

/* Behind an escape: a slash stays, a line break goes. */
static void
skip_escape(struct base64 *b)
{
	while (b->at + 1 < b->end && *b->at == '\\') {
		b->at++;
		if (*b->at != 'n' && *b->at != 'r')
			return;
		b->at++;
	}
}

int
base64_next(struct base64 *b)
{
	int digit;

	while (b->count < 8) {
		skip_escape(b);
		digit = b->at < b->end ? digit_of(*b->at++) : NO_DIGIT;
		if (digit == NO_DIGIT)
			return NO_DIGIT;
		b->bits = b->bits << 6 | (uint32_t)digit;
		b->count += 6;
	}
	b->count -= 8;
	return (int)(b->bits >> b->count & 0xff);
}
