#include "node/cmd/source.h"

#include <errno.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "node/policy/compiler.h"
#include "node/policy/sandbox.h"
#include "topology/file.h"

#define TEXT_MAX ((size_t)4 << 20)

bool
source_complain(const char *path, const char *text)
{
	fprintf(stderr, "%s: %s\n", path, text);
	return false;
}

bool
source_read(struct arena *arena, const char *path, size_t max,
    struct slice *text)
{
	switch (file_read(arena, path, max, text)) {
	case FILE_FINE:
		return true;
	case FILE_MISSING:
		return source_complain(path, "there is no such file");
	case FILE_TOO_LARGE:
		return source_complain(path, "it is too large");
	default:
		return source_complain(path, strerror(errno));
	}
}

static bool
ends_in(const char *path, const char *ending)
{
	size_t len = strlen(path), n = strlen(ending);

	return len > n && strcmp(path + len - n, ending) == 0;
}

bool
source_policy(struct arena *arena, const char *tsc, const char *path,
    struct slice *js)
{
	struct buf made, why;
	bool fine;

	if (ends_in(path, ".js"))
		return source_read(arena, path, SANDBOX_SOURCE_MAX, js);
	buf_init(&made, TEXT_MAX);
	buf_init(&why, TEXT_MAX);
	fine = compiler_run(tsc, path, &made, &why);
	if (fine)
		*js = arena_copy(arena, buf_slice(&made));
	else
		fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	buf_fini(&made);
	return fine;
}
