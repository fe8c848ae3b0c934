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

/* Where the value that begins at i ends. */
static size_t
skip_value(const char *body, size_t len, size_t i)
{
	bool quoted = false;
	int depth = 0;

	for (; i < len; i++) {
		if (quoted && body[i] == '\\')
			i++;
		else if (body[i] == '"')
			quoted = !quoted;
		else if (quoted)
			continue;
		else if (body[i] == '{' || body[i] == '[')
			depth++;
		else if ((body[i] == '}' || body[i] == ']') && --depth < 0)
			return i;
		else if (body[i] == ',' && !depth)
			return i;
	}
	return len;
}

/* The inside of the string that is the value of a key; or nothing. */
static struct span
find_word(const char *item, size_t len, const char *key)
{
	size_t i = find_top(item, len, key);
	const char *end;

	if (i == len || item[i] != '"')
		return (struct span){ 0 };
	end = memchr(item + i + 1, '"', len - i - 1);
	if (!end)
		return (struct span){ 0 };
	return (struct span){ i + 1, (size_t)(end - item) - i - 1 };
}

static bool
is(const char *item, struct span word, const char *text)
{
	return word.len == strlen(text) &&
	       !memcmp(item + word.from, text, word.len);
}

static bool
is_output(const char *item, struct span type)
{
	return type.len > 7 &&
	       !memcmp(item + type.from + type.len - 7, "_output", 7);
}

static bool
has_result(const char *item, size_t len)
{
	static const char result[] = "\"tool_result\"";
	size_t i = 0;

	while ((i = find_value(item, len, "\"type\"", i)) < len)
		if (len - i >= strlen(result) &&
		    !memcmp(item + i, result, strlen(result)))
			return true;
	return false;
}

/* Whether results are the latest, after one more message or item. */
static bool
weigh(const char *item, size_t len, bool before)
{
	struct span role = find_word(item, len, "\"role\"");

	if (is(item, role, "system") || is(item, role, "developer"))
		return before;
	if (is(item, role, "user"))
		return has_result(item, len);
	return is(item, role, "tool") ||
	       is_output(item, find_word(item, len, "\"type\""));
}

bool
ask_ends_in_results(const char *body, size_t len)
{
	size_t i = find_top(body, len, "\"messages\""), end;
	bool results = false;

	if (i == len)
		i = find_top(body, len, "\"input\"");
	if (i == len || body[i] != '[')
		return false;
	for (i++; i < len && body[i] != ']'; i = end + (body[end] == ',')) {
		end = skip_value(body, len, i);
		if (end == len)
			return false;
		results = weigh(body + i, end - i, results);
	}
	return results;
}

size_t
ask_find(const char *object, size_t len, const char *key)
{
	return find_top(object, len, key);
}

size_t
ask_end(const char *body, size_t len, size_t value)
{
	return skip_value(body, len, value);
}
