#include "tests/sim/request.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { CHUNK_SIZE, CHUNK_BYTES, CHUNK_END, CHUNK_TRAILER };

static bool
name_is(const char *line, size_t len, const char *name)
{
	return len == strlen(name) && !strncasecmp(line, name, len);
}

static bool
value_has(const char *value, size_t len, const char *word)
{
	size_t i, n = strlen(word);

	for (i = 0; i + n <= len; i++)
		if (!strncasecmp(value + i, word, n))
			return true;
	return false;
}

static bool
parse_length(const char *value, size_t len, size_t *length)
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (value[i] < '0' || value[i] > '9')
			return false;
		n = 10 * n + (size_t)(value[i] - '0');
		if (n > REQUEST_BODY_MAX)
			return false;
	}
	*length = n;
	return len > 0;
}

/* Headers that are told to whoever asks what was called. */
static const struct {
	const char *name;
	size_t offset;
} kept[] = {
	{ "authorization", offsetof(struct request, authorization) },
	{ "x-api-key", offsetof(struct request, api_key) },
	{ "x-gsr-attempt", offsetof(struct request, attempt) },
	{ "anthropic-version", offsetof(struct request, version) },
	{ "anthropic-beta", offsetof(struct request, beta) },
};

static void
keep_header(struct request *r, const char *name, size_t len, struct span value)
{
	size_t i;

	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (name_is(name, len, kept[i].name))
			*(struct span *)(void *)((char *)r + kept[i].offset) =
			    value;
}

static bool
parse_header(struct request *r, const char *base, struct span line)
{
	const char *at = base + line.from, *colon, *value;
	const char *end = at + line.len;
	struct span place;
	size_t name;

	colon = memchr(at, ':', line.len);
	if (!colon)
		return false;
	name = (size_t)(colon - at);
	for (value = colon + 1; value < end && *value == ' '; value++)
		;
	place = (struct span){ (size_t)(value - base), (size_t)(end - value) };
	if (name_is(at, name, "content-length"))
		return parse_length(value, place.len, &r->left);
	if (name_is(at, name, "transfer-encoding"))
		r->chunked = value_has(value, place.len, "chunked");
	else if (name_is(at, name, "connection"))
		r->keep_alive = !value_has(value, place.len, "close");
	else if (name_is(at, name, "expect"))
		r->expect = value_has(value, place.len, "100-continue");
	else
		keep_header(r, at, name, place);
	return true;
}

static bool
parse_request_line(struct request *r, const char *base, size_t len)
{
	const char *space = memchr(base, ' ', len), *second;

	if (!space)
		return false;
	r->method = (struct span){ 0, (size_t)(space - base) };
	r->path.from = r->method.len + 1;
	second = memchr(space + 1, ' ', len - r->path.from);
	if (!second)
		return false;
	r->path.len = (size_t)(second - space) - 1;
	return (size_t)(base + len - second) == 9 &&
	       !memcmp(second, " HTTP/1.", 8);
}

static bool
parse_head(struct request *r, const char *base)
{
	size_t from = 0, len;
	const char *end;

	r->keep_alive = true;
	while (from + 2 < r->head_len) {
		end = memmem(base + from, r->head_len - from, "\r\n", 2);
		len = (size_t)(end - base) - from;
		if (!from) {
			if (!parse_request_line(r, base, len))
				return false;
		} else if (!parse_header(r, base, (struct span){ from, len })) {
			return false;
		}
		from += len + 2;
	}
	r->raw = r->head_len;
	return true;
}

/* One line of chunk framing; false while it has not all come. */
static bool
take_line(struct request *r, const struct text *in, struct span *line)
{
	const char *end = memmem(in->at + r->raw, in->len - r->raw, "\r\n", 2);

	if (!end)
		return false;
	line->from = r->raw;
	line->len = (size_t)(end - in->at) - r->raw;
	r->raw += line->len + 2;
	return true;
}

static void
take_bytes(struct request *r, struct text *in)
{
	size_t n = in->len - r->raw;

	if (n > r->left)
		n = r->left;
	memmove(in->at + r->head_len + r->body_len, in->at + r->raw, n);
	r->body_len += n;
	r->raw += n;
	r->left -= n;
}

static bool
start_chunk(struct request *r, const struct text *in, struct span line)
{
	char digits[16] = "", *end;

	if (!line.len || line.len >= sizeof(digits))
		return false;
	memcpy(digits, in->at + line.from, line.len);
	r->left = strtoul(digits, &end, 16);
	if (end == digits || r->left > REQUEST_BODY_MAX - r->body_len)
		return false;
	r->chunk_step = r->left ? CHUNK_BYTES : CHUNK_TRAILER;
	return true;
}

static enum request_state
feed_chunks(struct request *r, struct text *in)
{
	struct span line;

	for (;;) {
		if (r->chunk_step == CHUNK_BYTES) {
			take_bytes(r, in);
			if (r->left)
				return REQUEST_MORE;
			r->chunk_step = CHUNK_END;
		}
		if (!take_line(r, in, &line))
			return REQUEST_MORE;
		if (r->chunk_step == CHUNK_TRAILER && !line.len)
			return REQUEST_READY;
		if (r->chunk_step == CHUNK_END && line.len)
			return REQUEST_BAD;
		if (r->chunk_step == CHUNK_END)
			r->chunk_step = CHUNK_SIZE;
		else if (r->chunk_step == CHUNK_SIZE &&
			 !start_chunk(r, in, line))
			return REQUEST_BAD;
	}
}

enum request_state
request_feed(struct request *r, struct text *in)
{
	const char *end;

	if (!r->head_len) {
		end = memmem(in->at, in->len, "\r\n\r\n", 4);
		if (!end)
			return in->len > REQUEST_HEAD_MAX ? REQUEST_BAD
							  : REQUEST_MORE;
		r->head_len = (size_t)(end - in->at) + 4;
		if (!parse_head(r, in->at))
			return REQUEST_BAD;
	}
	if (r->chunked)
		return feed_chunks(r, in);
	take_bytes(r, in);
	return r->left ? REQUEST_MORE : REQUEST_READY;
}
