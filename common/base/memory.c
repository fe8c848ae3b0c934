#include "common/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *
checked(void *p)
{
	static const char said[] = "{\"level\":\"fatal\","
				   "\"text\":\"out of memory\"}\n";

	if (p == NULL) {
		if (write(STDERR_FILENO, said, sizeof(said) - 1) < 0)
			abort();
		abort();
	}
	return p;
}

void *
xmalloc(size_t bytes)
{
	return checked(malloc(bytes > 0 ? bytes : 1));
}

void *
xcalloc(size_t count, size_t bytes)
{
	return checked(calloc(count > 0 ? count : 1, bytes > 0 ? bytes : 1));
}

void *
xrealloc(void *old, size_t bytes)
{
	return checked(realloc(old, bytes > 0 ? bytes : 1));
}

char *
xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *
xstrndup(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);

	if (len > 0)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}
