#include "tests/sim/load_answer.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void
answer_begin(struct answer *a)
{
	*a = (struct answer){ .step = ANSWER_HEAD };
}

/* How the events begin that say how a stream ends, in any dialect. */
static const char *const ends[] = { "data: [DONE]", "event: message_stop",
	"event: response.completed" };
static const char *const errors[] = { "data: {\"error\"", "event: error" };

static bool
begins(const struct answer *a, const char *const *words, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strncmp(a->event, words[i], strlen(words[i])))
			return true;
	return false;
}

static void
end_event(struct answer *a)
{
	a->events++;
	a->done |= begins(a, ends, sizeof(ends) / sizeof(ends[0]));
	a->error |= begins(a, errors, sizeof(errors) / sizeof(errors[0]));
	memset(a->event, 0, sizeof(a->event));
	a->event_len = 0;
}

static void
look(struct answer *a, char c)
{
	if (c == '\n' && a->last == '\n') {
		if (a->event_len)
			end_event(a);
	} else if (a->event_len < sizeof(a->event)) {
		a->event[a->event_len++] = c;
	}
	a->last = c;
}

static size_t
feed_bytes(struct answer *a, const char *bytes, size_t len)
{
	bool counted = a->chunked || a->measured;
	size_t i;

	if (counted && len > a->left)
		len = (size_t)a->left;
	for (i = 0; i < len; i++)
		look(a, bytes[i]);
	if (!counted)
		return len;
	a->left -= len;
	if (!a->left)
		a->step = a->chunked ? ANSWER_SIZE : ANSWER_WHOLE;
	return len;
}

static void
head_line(struct answer *a)
{
	if (!a->status) {
		a->status = a->line_len > 12 ? atoi(a->line + 9) : -1;
		return;
	}
	if (!strncasecmp(a->line, "content-length:", 15)) {
		a->measured = true;
		a->left = strtoull(a->line + 15, NULL, 10);
	}
	if (!strncasecmp(a->line, "transfer-encoding: chunked", 26))
		a->chunked = true;
}

static void
head_end(struct answer *a)
{
	if (a->status < 0)
		a->step = ANSWER_BAD;
	else if (a->status == 100)
		answer_begin(a);
	else if (a->chunked)
		a->step = ANSWER_SIZE;
	else
		a->step = a->measured && !a->left ? ANSWER_WHOLE : ANSWER_BYTES;
}

static void
size_line(struct answer *a)
{
	char *end;

	if (!a->line_len)
		return;
	a->left = strtoull(a->line, &end, 16);
	if (end == a->line)
		a->step = ANSWER_BAD;
	else
		a->step = a->left ? ANSWER_BYTES : ANSWER_TRAILER;
}

static void
end_line(struct answer *a)
{
	a->line[a->line_len] = '\0';
	if (a->step == ANSWER_SIZE)
		size_line(a);
	else if (a->step == ANSWER_TRAILER && !a->line_len)
		a->step = ANSWER_WHOLE;
	else if (a->step == ANSWER_HEAD && a->line_len)
		head_line(a);
	else if (a->step == ANSWER_HEAD)
		head_end(a);
	a->line_len = 0;
}

static size_t
feed_line(struct answer *a, const char *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (bytes[i] == '\n') {
			end_line(a);
			return i + 1;
		}
		if (bytes[i] != '\r' && a->line_len < sizeof(a->line) - 1)
			a->line[a->line_len++] = bytes[i];
	}
	return len;
}

size_t
answer_feed(struct answer *a, const char *bytes, size_t len)
{
	size_t used = 0;

	while (used < len && a->step != ANSWER_WHOLE && a->step != ANSWER_BAD)
		used += a->step == ANSWER_BYTES
			    ? feed_bytes(a, bytes + used, len - used)
			    : feed_line(a, bytes + used, len - used);
	return used;
}
