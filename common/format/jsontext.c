#include "common/format/jsontext.h"

#include "common/base/utf8.h"
#include "common/format/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define HEX_DIGITS     4
#define HIGH_SURROGATE 0xd800
#define LOW_SURROGATE  0xdc00
#define SURROGATES_END 0xe000
#define REPLACEMENT    0xfffd
#define SUPPLEMENTARY  0x10000
#define NOT_HEX        UINT32_MAX
#define ESCAPE_CHARS   6 /* \uXXXX */
#define SHORT_ESCAPE   2 /* \n */

static bool
is_plain(char c)
{
	/* As a signed char, what is not ASCII is negative. */
	return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

const char *
jsontext_plain(const char *at, const char *end)
{
#ifdef __SSE2__
	const __m128i space = _mm_set1_epi8(0x20);
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');

	for (; end - at >= 16; at += 16) {
		__m128i c = _mm_loadu_si128((const __m128i *)(const void *)at);
		__m128i odd = _mm_or_si128(_mm_cmplt_epi8(c, space),
		    _mm_or_si128(_mm_cmpeq_epi8(c, quote),
			_mm_cmpeq_epi8(c, slash)));
		unsigned mask = (unsigned)_mm_movemask_epi8(odd);

		if (mask != 0)
			return at + __builtin_ctz(mask);
	}
#endif
	while (at < end && is_plain(*at))
		at++;
	return at;
}

/* The value of four hex digits, or NOT_HEX. */
static uint32_t
hex4(const char *at, const char *end)
{
	uint32_t value = 0;
	int i;

	if (end - at < HEX_DIGITS)
		return NOT_HEX;
	for (i = 0; i < HEX_DIGITS; i++) {
		char c = at[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;

		if (digit < 0)
			return NOT_HEX;
		value = value << 4 | (uint32_t)digit;
	}
	return value;
}

/* What the character behind a backslash stands for; 0 when it is none. */
static char
short_escape(char c)
{
	switch (c) {
	case '"':
	case '\\':
	case '/':
		return c;
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return '\0';
	}
}

/* Bytes of the escape that starts at `at`; 0 when it is not one. */
static size_t
escape_length(const char *at, const char *end)
{
	if (end - at < SHORT_ESCAPE)
		return 0;
	if (at[1] == 'u')
		return hex4(at + 2, end) != NOT_HEX ? ESCAPE_CHARS : 0;
	return short_escape(at[1]) != '\0' ? SHORT_ESCAPE : 0;
}

const char *
jsontext_end(const char *at, const char *end, bool *escaped, const char **bad,
    const char **why)
{
	size_t n;

	*escaped = false;
	for (;;) {
		at = *bad = jsontext_plain(at, end);
		if (at == end) {
			*why = "the text ends inside a string";
			return NULL;
		}
		if (*at == '"')
			return at;
		if (*at == '\\') {
			*escaped = true;
			*why = "bad escape in a string";
			n = escape_length(at, end);
		} else {
			*why = (*at & 0x80) != 0 ? "bad UTF-8 in a string"
						 : "control byte in a string";
			n = (size_t)(utf8_skip(at, end) - at);
		}
		if (n == 0)
			return NULL;
		at += n;
	}
}

/*
 * The code point of the \uXXXX at `at`, which moves behind it, and behind the
 * second half of a surrogate pair.  Half a pair becomes the replacement.
 */
static uint32_t
take_point(const char **at, const char *end)
{
	uint32_t high = hex4(*at + 2, end), low;

	*at += ESCAPE_CHARS;
	if (high < HIGH_SURROGATE || high >= SURROGATES_END)
		return high;
	if (high >= LOW_SURROGATE || end - *at < ESCAPE_CHARS ||
	    (*at)[0] != '\\' || (*at)[1] != 'u')
		return REPLACEMENT;
	low = hex4(*at + 2, end);
	if (low < LOW_SURROGATE || low >= SURROGATES_END)
		return REPLACEMENT;
	*at += ESCAPE_CHARS;
	return SUPPLEMENTARY + ((high - HIGH_SURROGATE) << 10) +
	       (low - LOW_SURROGATE);
}

size_t
jsontext_unescape(char *out, struct slice raw)
{
	const char *at = raw.ptr, *end = raw.ptr + raw.len, *next;
	size_t n = 0, run;

	while (at < end) {
		next = memchr(at, '\\', (size_t)(end - at));
		run = (size_t)((next != NULL ? next : end) - at);
		memcpy(out + n, at, run);
		n += run;
		at += run;
		if (at == end || escape_length(at, end) == 0)
			break;
		if (at[1] == 'u') {
			n += utf8_write(out + n, take_point(&at, end));
			continue;
		}
		out[n++] = short_escape(at[1]);
		at += SHORT_ESCAPE;
	}
	return n;
}

static void
escape_byte(struct buf *out, char c)
{
	static const char letters[] = "btn?fr"; /* for 8 to 13; 11 has none */
	static const char digits[] = "0123456789abcdef";
	char pair[SHORT_ESCAPE] = { '\\', c };
	char code[ESCAPE_CHARS] = { '\\', 'u', '0', '0', digits[c >> 4 & 0xf],
		digits[c & 0xf] };

	if (c >= '\b' && c <= '\r' && c != '\v')
		pair[1] = letters[c - '\b'];
	else if (c != '"' && c != '\\') {
		buf_put(out, code, sizeof(code));
		return;
	}
	buf_put(out, pair, sizeof(pair));
}

void
json_escape(struct buf *out, struct slice text)
{
	const char *at = text.ptr, *end, *next;

	if (text.len == 0)
		return; /* perhaps NULL, which takes no arithmetic */
	end = text.ptr + text.len;
	while (at < end) {
		next = utf8_skip(jsontext_plain(at, end), end);
		buf_put(out, at, (size_t)(next - at));
		at = next;
		if (at == end || is_plain(*at))
			continue;
		if ((*at & 0x80) != 0)
			buf_puts(out, UTF8_REPLACEMENT);
		else
			escape_byte(out, *at);
		at++;
	}
}
