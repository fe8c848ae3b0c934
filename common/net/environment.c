#include "common/net/environment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/lang.h"

#define NAME_MAX_BYTES 256 /* no name of ours is near */

static bool
diverts(const char *name)
{
	static const char *const names[] = { "SSLKEYLOGFILE", "HOSTALIASES",
		"LOCALDOMAIN", "NETRC" };
	size_t i, len = strlen(name);

	for (i = 0; i < count_of(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	if (strncmp(name, "CURL_", 5) == 0)
		return true;
	return len > 6 && strcasecmp(name + len - 6, "_proxy") == 0;
}

void
environment_clear(void)
{
	char name[NAME_MAX_BYTES];
	size_t i = 0, len;

	while (environ != NULL && environ[i] != NULL) {
		len = min_size(strcspn(environ[i], "="), sizeof(name) - 1);
		memcpy(name, environ[i], len);
		name[len] = '\0';
		if (!diverts(name) || unsetenv(name) != 0)
			i++;
	}
}
