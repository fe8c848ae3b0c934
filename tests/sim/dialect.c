#include "tests/sim/dialect.h"

#include <string.h>

static const struct {
	const char *end;
	const struct dialect *dialect;
} endpoints[] = {
	{ "/chat/completions", &dialect_chat },
	{ "/responses", &dialect_responses },
	{ "/messages", &dialect_messages },
	{ "/messages/count_tokens", &dialect_count },
};

const struct dialect *
dialect_find(const char *path, size_t len)
{
	const char *query = memchr(path, '?', len);
	size_t i, end, n = query ? (size_t)(query - path) : len;

	for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		end = strlen(endpoints[i].end);
		if (n >= end && !memcmp(path + n - end, endpoints[i].end, end))
			return endpoints[i].dialect;
	}
	return NULL;
}
