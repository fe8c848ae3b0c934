#include "common/base/utf8.h"

static bool
continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The second byte's range depends on the first; the others' does not. */
static bool
second_fits(uint8_t first, uint8_t second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0 && second <= 0xbf;
	case 0xed:
		return second >= 0x80 && second <= 0x9f;
	case 0xf0:
		return second >= 0x90 && second <= 0xbf;
	case 0xf4:
		return second >= 0x80 && second <= 0x8f;
	default:
		return continues(second);
	}
}

static size_t
length_by_first(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t
utf8_char(const char *at, const char *end)
{
	const uint8_t *c = (const uint8_t *)at;
	size_t len, i;

	if (at == end)
		return 0;
	len = length_by_first(c[0]);
	if (len > (size_t)(end - at))
		return 0;
	if (len > 1 && !second_fits(c[0], c[1]))
		return 0;
	for (i = 2; i < len; i++)
		if (!continues(c[i]))
			return 0;
	return len;
}

const char *
utf8_skip(const char *at, const char *end)
{
	size_t len;

	while (at < end && (*at & 0x80) != 0) {
		len = utf8_char(at, end);
		if (len == 0)
			break;
		at += len;
	}
	return at;
}

size_t
utf8_write(char out[UTF8_MAX], uint32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}
