#include "tests/sim/ask.h"

#include <string.h>

/* Whether the place is directly inside the outermost object. */
static bool
on_top(const char *body, size_t place)
{
	bool quoted = false;
	int depth = 0;
	size_t i;

	for (i = 0; i < place; i++) {
		if (quoted && body[i] == '\\')
			i++;
		else if (body[i] == '"')
			quoted = !quoted;
		else if (!quoted && (body[i] == '{' || body[i] == '['))
			depth++;
		else if (!quoted && (body[i] == '}' || body[i] == ']'))
			depth--;
	}
	return depth == 1 && !quoted;
}

static size_t
skip_space(const char *body, size_t len, size_t i)
{
	while (i < len && strchr(" \t\r\n", body[i]) && body[i])
		i++;
	return i;
}

/* Where the value of "key" begins, at or after from; len when nowhere. */
static size_t
find_value(const char *body, size_t len, const char *key, size_t from)
{
	const char *hit;
	size_t i;

	while ((hit = memmem(body + from, len - from, key, strlen(key)))) {
		from = (size_t)(hit - body) + strlen(key);
		i = skip_space(body, len, from);
		if (i < len && body[i] == ':')
			return skip_space(body, len, i + 1);
	}
	return len;
}

/* The same, of the outermost object. */
static size_t
find_top(const char *body, size_t len, const char *key)
{
	size_t i = 0;

	for (;;) {
		i = find_value(body, len, key, i);
		if (i == len || on_top(body, i))
			return i;
	}
}

static bool
is_true(const char *body, size_t len, size_t i)
{
	return len - i >= 4 && !memcmp(body + i, "true", 4);
}

struct ask
ask_parse(const char *body, size_t len)
{
	struct ask ask = { 0 };
	size_t i = find_top(body, len, "\"model\"");
	const char *end;

	if (i < len && body[i] == '"') {
		end = memchr(body + i + 1, '"', len - i - 1);
		if (end)
			ask.model = (struct span){ i + 1,
				(size_t)(end - body) - i - 1 };
	}
	ask.stream = is_true(body, len, find_top(body, len, "\"stream\""));
	if (!ask.stream)
		return ask;
	i = find_top(body, len, "\"stream_options\"");
	end = memchr(body + i, '}', len - i);
	if (!end)
		return ask;
	len = (size_t)(end - body);
	ask.usage =
	    is_true(body, len, find_value(body, len, "\"include_usage\"", i));
	return ask;
}
