/*
 * A head is cut in place as a lenient parser does it: at CRLF or LF, at the
 * first colon, with NUL ending what it meets.  Whatever the edge then takes
 * must have been strict in the original.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/memory.h"
#include "common/net/edge.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define INPUT_MAX 65536

struct cutter {
	char *at, *end;
	struct edge_field fields[EDGE_FIELDS_MAX + 1];
	struct edge_head head;
};

/* The next line, zeroed at its end; NULL when there is no line end. */
static char *
cut_line(struct cutter *c)
{
	char *line = c->at;
	char *lf = memchr(c->at, '\n', (size_t)(c->end - c->at));

	if (lf == NULL)
		return NULL;
	*lf = '\0';
	if (lf > line && lf[-1] == '\r')
		lf[-1] = '\0';
	c->at = lf + 1;
	return line;
}

static bool
cut_request_line(struct cutter *c)
{
	char *line = cut_line(c), *target, *version;

	if (line == NULL || (target = strchr(line, ' ')) == NULL)
		return false;
	*target++ = '\0';
	version = strrchr(target, ' ');
	if (version == NULL)
		return false;
	*version++ = '\0';
	c->head.method = slice_of(line);
	c->head.target = slice_of(target);
	c->head.version = slice_of(version);
	return true;
}

static bool
cut_head(struct cutter *c)
{
	char *line;

	if (!cut_request_line(c))
		return false;
	while ((line = cut_line(c)) != NULL && *line != '\0') {
		char *colon = strchr(line, ':');
		struct edge_field *f = &c->fields[c->head.count];

		if (colon == NULL || c->head.count > EDGE_FIELDS_MAX)
			return false;
		*colon++ = '\0';
		colon += strspn(colon, " \t");
		f->name = slice_of(line);
		f->value = slice_of(colon);
		c->head.count++;
	}
	return line != NULL;
}

/* No control byte but in CRLF pairs and tabs, and the head ends in two. */
static void
assert_strict(const uint8_t *bytes, size_t len)
{
	size_t i;

	assert(len >= 4 && memcmp(bytes + len - 4, "\r\n\r\n", 4) == 0);
	for (i = 0; i < len; i++) {
		if (bytes[i] == '\r')
			assert(i + 1 < len && bytes[i + 1] == '\n');
		else if (bytes[i] == '\n')
			assert(i > 0 && bytes[i - 1] == '\r');
		else
			assert((bytes[i] >= 0x20 && bytes[i] != 0x7f) ||
			       bytes[i] == '\t');
		/* No line begins with a space: none is folded. */
		if (i > 0 && bytes[i - 1] == '\n')
			assert(bytes[i] != ' ' && bytes[i] != '\t');
	}
}

/*
 * What was zeroed cannot be told apart: a run of CR, LF and NUL of the right
 * length passes for line ends, which edge_whole says.
 */
static void
forgive_runs(uint8_t *bytes, size_t len)
{
	size_t i, n, k;

	for (i = 0; i < len; i += n + 1) {
		n = 0;
		while (i + n < len && memchr("\r\n", bytes[i + n], 3) != NULL)
			n++;
		if (n != 2 && n != 4)
			continue;
		for (k = 0; k < n; k++)
			bytes[i + k] = k % 2 == 0 ? '\r' : '\n';
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct cutter c = { 0 };
	struct edge_request request;
	const char *why = NULL;
	uint8_t *original;
	char *text;
	size_t used;
	int status;

	if (len > INPUT_MAX)
		return 0;
	original = xmalloc(len + 1);
	memcpy(original, bytes, len);
	text = xmalloc(len + 1);
	memcpy(text, bytes, len);
	text[len] = '\0';
	c.at = text;
	c.end = text + len;
	if (cut_head(&c)) {
		used = (size_t)(c.at - text);
		c.head.fields = c.fields;
		c.head.bytes = used;
		forgive_runs(original, used);
		status = edge_check(&c.head, &request, &why);
		assert(status == 0 || status == 400 || status == 414 ||
		       status == 415 || status == 431);
		assert((status == 0) == (why[0] == '\0'));
		if (edge_whole(&c.head, slice_make(text, used)) && status == 0)
			assert_strict(original, used);
		if (status == 0)
			assert(!(request.chunked && request.has_length));
	}
	free(text);
	free(original);
	return 0;
}
