#include "common/net/edge.h"

#include <strings.h>

#include "common/net/http.h"

#define HOST_MAX          255
#define LENGTH_DIGITS_MAX 18 /* more would not fit 64 bits, or any machine */

enum {
	TOKEN = 1,  /* RFC 9110 tchar */
	TARGET = 2, /* RFC 3986 path and query, and [ ] as clients send them */
	HOST = 4    /* RFC 3986 reg-name, IP-literal, port */
};

/* Control bytes, space and 0x80 upwards are in no class. */
static const unsigned char classes[256] = {
	['0' ... '9'] = TOKEN | TARGET | HOST,
	['A' ... 'Z'] = TOKEN | TARGET | HOST,
	['a' ... 'z'] = TOKEN | TARGET | HOST,
	['-'] = TOKEN | TARGET | HOST,
	['.'] = TOKEN | TARGET | HOST,
	['_'] = TOKEN | TARGET | HOST,
	['~'] = TOKEN | TARGET | HOST,
	['%'] = TOKEN | TARGET | HOST,
	['!'] = TOKEN | TARGET,
	['$'] = TOKEN | TARGET,
	['&'] = TOKEN | TARGET,
	['\''] = TOKEN | TARGET,
	['*'] = TOKEN | TARGET,
	['+'] = TOKEN | TARGET,
	['#'] = TOKEN,
	['^'] = TOKEN,
	['`'] = TOKEN,
	['|'] = TOKEN,
	[':'] = TARGET | HOST,
	['['] = TARGET | HOST,
	[']'] = TARGET | HOST,
	['('] = TARGET,
	[')'] = TARGET,
	[','] = TARGET,
	[';'] = TARGET,
	['='] = TARGET,
	['@'] = TARGET,
	['/'] = TARGET,
	['?'] = TARGET,
};

static bool
all_of(struct slice s, unsigned class)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (!(classes[(unsigned char)s.ptr[i]] & class))
			return false;
	}
	return true;
}

bool
edge_is_token(struct slice s)
{
	return s.len > 0 && all_of(s, TOKEN);
}

bool
edge_is_value(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

struct slice
edge_trimmed(struct slice s)
{
	while (
	    s.len > 0 && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

static bool
same_word(struct slice s, const char *word)
{
	return s.len == strlen(word) && strncasecmp(s.ptr, word, s.len) == 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Each percent is followed by two digits, and none of them makes a NUL. */
static bool
escapes_are_good(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] != '%')
			continue;
		if (s.len - i < 3)
			return false;
		if (hex_digit(s.ptr[i + 1]) < 0 || hex_digit(s.ptr[i + 2]) < 0)
			return false;
		if (s.ptr[i + 1] == '0' && s.ptr[i + 2] == '0')
			return false;
	}
	return true;
}

static int
refuse(int status, const char **why, const char *text)
{
	*why = text;
	return status;
}

static const char *const methods[] = {
	[HTTP_GET] = "GET",
	[HTTP_HEAD] = "HEAD",
	[HTTP_POST] = "POST",
	[HTTP_PUT] = "PUT",
	[HTTP_DELETE] = "DELETE",
	[HTTP_OPTIONS] = "OPTIONS",
};

const char *
http_method_name(enum http_method method)
{
	return methods[method];
}

static int
check_line(const struct edge_head *head, struct edge_request *request,
    const char **why)
{
	size_t i;

	for (i = 0; i < count_of(methods); i++) {
		if (slice_is(head->method, methods[i]))
			break;
	}
	if (i == count_of(methods))
		return refuse(400, why, "the method is not known");
	request->method = (int)i;
	request->http_1_0 = slice_is(head->version, "HTTP/1.0");
	if (!request->http_1_0 && !slice_is(head->version, "HTTP/1.1"))
		return refuse(400, why, "the version is not HTTP/1.0 or 1.1");
	if (head->target.len > EDGE_TARGET_MAX)
		return refuse(414, why, "the target is too long");
	if (head->target.len == 0 || head->target.ptr[0] != '/')
		return refuse(400, why, "the target is not a path");
	if (!all_of(head->target, TARGET))
		return refuse(400, why, "the target has a byte it may not");
	if (!escapes_are_good(head->target))
		return refuse(400, why, "the target has a bad percent escape");
	return 0;
}

/* Fields that decide framing, routing or rights: one of each at most. */
enum field {
	FIELD_HOST,
	FIELD_LENGTH,
	FIELD_TRANSFER,
	FIELD_AUTHORIZATION,
	FIELD_API_KEY,
	FIELD_TYPE,
	FIELD_ENCODING,
	FIELD_EXPECT,
	FIELDS
};

#define NAMED(text)                                                            \
	{                                                                      \
		text, sizeof(text) - 1                                         \
	}

static const struct slice field_names[FIELDS] = {
	[FIELD_HOST] = NAMED("Host"),
	[FIELD_LENGTH] = NAMED("Content-Length"),
	[FIELD_TRANSFER] = NAMED("Transfer-Encoding"),
	[FIELD_AUTHORIZATION] = NAMED("Authorization"),
	[FIELD_API_KEY] = NAMED("X-Api-Key"),
	[FIELD_TYPE] = NAMED("Content-Type"),
	[FIELD_ENCODING] = NAMED("Content-Encoding"),
	[FIELD_EXPECT] = NAMED("Expect"),
};

static enum field
field_of(struct slice name)
{
	size_t k;

	for (k = 0; k < FIELDS; k++) {
		if (name.len == field_names[k].len &&
		    strncasecmp(name.ptr, field_names[k].ptr, name.len) == 0)
			break;
	}
	return (enum field)k;
}

static int
check_fields(const struct edge_head *head,
    const struct edge_field *known[FIELDS], const char **why)
{
	enum field k;
	size_t i;

	if (head->bytes > EDGE_HEAD_MAX)
		return refuse(431, why, "the head is too large");
	if (head->count > EDGE_FIELDS_MAX)
		return refuse(431, why, "there are too many headers");
	for (i = 0; i < head->count; i++) {
		const struct edge_field *f = &head->fields[i];

		if (!edge_is_token(f->name))
			return refuse(400, why, "a header's name is no token");
		if (!edge_is_value(f->value))
			return refuse(400, why,
			    "a header's value has a control byte");
		k = field_of(f->name);
		if (k == FIELDS)
			continue;
		if (known[k] != NULL)
			return refuse(400, why, "a header is doubled");
		known[k] = f;
	}
	return 0;
}

/* Digits and nothing else: "+5", "0x5", "5, 5" and "" are none. */
static bool
parse_length(uint64_t *length, struct slice s)
{
	size_t i;

	if (s.len == 0 || s.len > LENGTH_DIGITS_MAX)
		return false;
	*length = 0;
	for (i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		*length = *length * 10 + (uint64_t)(s.ptr[i] - '0');
	}
	return true;
}

static int
check_framing(const struct edge_field *const known[FIELDS],
    struct edge_request *request, const char **why)
{
	const struct edge_field *length = known[FIELD_LENGTH];
	const struct edge_field *transfer = known[FIELD_TRANSFER];

	if (transfer != NULL && length != NULL)
		return refuse(400, why,
		    "Content-Length and Transfer-Encoding exclude each other");
	if (transfer != NULL && request->http_1_0)
		return refuse(400, why, "HTTP/1.0 has no Transfer-Encoding");
	if (transfer != NULL && !same_word(transfer->value, "chunked"))
		return refuse(400, why, "Transfer-Encoding is not chunked");
	request->chunked = transfer != NULL;
	request->has_length = length != NULL;
	if (length != NULL && !parse_length(&request->length, length->value))
		return refuse(400, why, "Content-Length is no number");
	return 0;
}

static int
check_known(const struct edge_field *const known[FIELDS],
    struct edge_request *request, const char **why)
{
	const struct edge_field *host = known[FIELD_HOST];
	const struct edge_field *encoding = known[FIELD_ENCODING];
	const struct edge_field *expect = known[FIELD_EXPECT];

	if (host == NULL && !request->http_1_0)
		return refuse(400, why, "there is no Host");
	if (host != NULL && (host->value.len > HOST_MAX ||
				!all_of(edge_trimmed(host->value), HOST)))
		return refuse(400, why, "Host is not a host");
	if (expect != NULL &&
	    !same_word(edge_trimmed(expect->value), "100-continue"))
		return refuse(400, why, "Expect is not 100-continue");
	request->wants_continue = expect != NULL && !request->http_1_0 &&
				  (request->chunked || request->length > 0);
	if (encoding != NULL &&
	    !same_word(edge_trimmed(encoding->value), "identity"))
		return refuse(415, why, "the body is compressed");
	return 0;
}

int
edge_check(const struct edge_head *head, struct edge_request *request,
    const char **why)
{
	const struct edge_field *known[FIELDS] = { NULL };
	int status;

	*request = (struct edge_request){ 0 };
	*why = "";
	status = check_line(head, request, why);
	if (status == 0)
		status = check_fields(head, known, why);
	if (status == 0)
		status = check_framing(known, request, why);
	if (status == 0)
		status = check_known(known, request, why);
	return status;
}

/* `between` zeroed bytes after `from` ends, `to` begins. */
static bool
follows(struct slice from, size_t between, const char *to)
{
	const char *at = from.ptr + from.len;

	if (at + between != to)
		return false;
	for (; at < to; at++) {
		if (*at != '\0')
			return false;
	}
	return true;
}

/* After the name: the zeroed colon, then spaces, then the value. */
static bool
only_spaces(const struct edge_field *f)
{
	const char *at = f->name.ptr + f->name.len + 1;

	if (at > f->value.ptr)
		return false;
	for (; at < f->value.ptr; at++) {
		if (*at != ' ' && *at != '\t')
			return false;
	}
	return true;
}

bool
edge_whole(const struct edge_head *head, struct slice raw)
{
	struct slice last = head->version;
	size_t i;

	/* Two bytes, CR and LF, part the lines; one more pair ends the head. */
	if (head->method.ptr != raw.ptr ||
	    !follows(head->method, 1, head->target.ptr) ||
	    !follows(head->target, 1, head->version.ptr))
		return false;
	for (i = 0; i < head->count; i++) {
		const struct edge_field *f = &head->fields[i];

		if (!follows(last, 2, f->name.ptr) || !only_spaces(f))
			return false;
		last = f->value;
	}
	return follows(last, 4, raw.ptr + raw.len);
}

struct slice
edge_path(struct slice target)
{
	const char *query = memchr(target.ptr, '?', target.len);

	if (query == NULL)
		return target;
	return slice_make(target.ptr, (size_t)(query - target.ptr));
}

bool
edge_query(struct slice target, const char *name, struct slice *value)
{
	struct slice rest = slice_after(target, edge_path(target).len + 1);
	size_t named = strlen(name);

	while (rest.len > 0) {
		const char *end = memchr(rest.ptr, '&', rest.len);
		struct slice one = rest;

		if (end != NULL)
			one.len = (size_t)(end - rest.ptr);
		rest = slice_after(rest, one.len + 1);
		if (!slice_starts(one, name))
			continue;
		if (one.len > named && one.ptr[named] != '=')
			continue;
		*value = slice_after(one, named + 1);
		return true;
	}
	return false;
}
