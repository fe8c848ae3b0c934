#include "node/client.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_of_name(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '-' || c == '_' || c == '.';
}

struct slice
client_name(struct slice user_agent)
{
	const char *s = user_agent.ptr;
	size_t n = 0, max = min_size(user_agent.len, CLIENT_NAME_MAX);

	/* A slash goes on when no number follows. */
	while (n < max &&
	       (is_of_name(s[n]) || (s[n] == '/' && n > 0 && n + 1 < max &&
					!is_digit(s[n + 1]))))
		n++;
	return slice_make(s, n);
}
