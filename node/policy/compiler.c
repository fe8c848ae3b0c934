#include "node/policy/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "node/policy/sandbox.h"
#include "topology/file.h"

#define ARENA_BYTES   ((size_t)8 << 20)
#define PATH_CHARS    (PATH_MAX + 64)
#define VERSION_CHARS 32
/* What it prints; the rest of very much is read and dropped. */
#define PRINTED_MAX ((size_t)256 << 10)
#define FTW_FILES   16

static const char types[] =
#include <policy_types.inc>
    ;

struct compiling {
	const char *tsc;
	char source[PATH_MAX];  /* absolute */
	char place[PATH_CHARS]; /* a folder of ours, removed afterwards */
	char version[VERSION_CHARS];
	struct arena arena;
	struct buf *js, *why;
};

struct slice
compiler_types(void)
{
	return slice_make(types, sizeof(types) - 1);
}

/*** Where it is. */

static bool
is_program(const char *path)
{
	return access(path, X_OK) == 0;
}

static const char *
find_in_path(struct arena *arena)
{
	const char *at = getenv("PATH"), *found;
	size_t n;

	for (; at != NULL && *at != '\0'; at += n + (at[n] == ':')) {
		n = strcspn(at, ":");
		found = arena_printf(arena, "%.*s/tsc", (int)n, at);
		if (n > 0 && is_program(found))
			return found;
	}
	return NULL;
}

/* Beside a folder that this program lies under: node/policy/node_modules. */
static const char *
find_in_tree(struct arena *arena)
{
	char folder[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	const char *found = NULL;
	glob_t matches;
	char *slash;

	folder[n > 0 ? n : 0] = '\0';
	while (found == NULL && (slash = strrchr(folder, '/')) != NULL) {
		*slash = '\0';
		if (glob(arena_printf(arena,
			     "%s/node/policy/node_modules/@typescript/"
			     "typescript-*/lib/tsc",
			     folder),
			GLOB_NOESCAPE, NULL, &matches) != 0)
			continue;
		found = arena_text(arena, slice_of(matches.gl_pathv[0]));
		globfree(&matches);
	}
	return found;
}

static bool
find(struct compiling *c, const char *told)
{
	const char *named = told != NULL ? told : getenv("GSR_TSC");

	if (named == NULL || named[0] == '\0')
		named = find_in_path(&c->arena);
	if (named == NULL)
		named = find_in_tree(&c->arena);
	c->tsc = named;
	if (named != NULL && is_program(named))
		return true;
	if (named != NULL)
		buf_printf(c->why, "%s: %s\n", named, strerror(errno));
	else
		buf_puts(c->why,
		    "no TypeScript compiler is at hand: install the npm "
		    "package typescript,\nor say --tsc PATH\n");
	return false;
}

/*** Running it. */

/* What it prints, both ways; false when it could not run or ended badly. */
static bool
read_all(int fd, struct buf *out)
{
	char piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0 && out->len + (size_t)n <= out->max)
			buf_put(out, piece, (size_t)n);
	}
	return true;
}

static bool
start(const char *const *argv, int to, pid_t *child)
{
	posix_spawn_file_actions_t actions;
	bool started;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
	    O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, to, STDERR_FILENO);
	errno =
	    posix_spawn(child, argv[0], &actions, NULL, (char **)argv, environ);
	started = errno == 0;
	posix_spawn_file_actions_destroy(&actions);
	return started;
}

static bool
run(const char *const *argv, struct buf *out)
{
	int ends[2], status = -1;
	pid_t child;
	bool started;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return false;
	started = start(argv, ends[1], &child);
	if (!started)
		buf_printf(out, "%s: %s\n", argv[0], strerror(errno));
	close(ends[1]);
	if (started && !read_all(ends[0], out))
		buf_printf(out, "%s: %s\n", argv[0], strerror(errno));
	close(ends[0]);
	while (started && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return started && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* "Version 7.0.2" */
static bool
read_version(struct compiling *c)
{
	struct buf out;
	bool fine;

	buf_init(&out, PRINTED_MAX);
	fine =
	    run((const char *const[]){ c->tsc, "--version", NULL }, &out) &&
	    sscanf(buf_text(&out), "Version %31[0-9A-Za-z.-]", c->version) == 1;
	if (!fine)
		buf_printf(c->why, "%s does not tell its version: %.200s\n",
		    c->tsc, buf_text(&out));
	buf_fini(&out);
	return fine;
}

/*
 * "dir/x.ts(3,14): error TS2339: …" becomes "dir/x.ts:3:14: error …", as all
 * our messages have it; other lines stay.
 */
static void
put_places(struct buf *out, struct slice text)
{
	const char *end;
	int line, col, used;
	char copy[256];
	size_t at;

	for (; text.len > 0; text = slice_after(text, 1)) {
		end = memchr(text.ptr, '\n', text.len);
		at = end != NULL ? (size_t)(end - text.ptr) : text.len;
		end = memchr(text.ptr, '(', at);
		used = 0;
		if (end != NULL) {
			snprintf(copy, sizeof(copy), "%.*s",
			    (int)(text.ptr + at - end), end);
			if (sscanf(copy, "(%d,%d):%n", &line, &col, &used) != 2)
				used = 0;
		}
		if (used > 0) {
			buf_printf(out, "%.*s:%d:%d:", (int)(end - text.ptr),
			    text.ptr, line, col);
			at -= (size_t)(end - text.ptr) + (size_t)used;
			text = slice_after(text,
			    (size_t)(end - text.ptr) + (size_t)used);
		}
		buf_put(out, text.ptr, at);
		buf_putc(out, '\n');
		text = slice_after(text, at);
	}
}

/*** Its place. */

static const char *
in_place(struct compiling *c, const char *name)
{
	return arena_printf(&c->arena, "%s/%s", c->place, name);
}

static bool
write_in_place(struct compiling *c, const char *name, struct slice text)
{
	const char *path = in_place(c, name);

	if (file_write(path, 0600, text))
		return true;
	buf_printf(c->why, "%s: %s\n", path, strerror(errno));
	return false;
}

/* All that a policy may lean on is said here, nothing is taken from around. */
static bool
write_project(struct compiling *c)
{
	const char *slash = strrchr(c->source, '/');
	struct buf project;
	bool fine;

	buf_init(&project, PRINTED_MAX);
	buf_puts(&project,
	    "{\"compilerOptions\":{\"target\":\"es2022\",\"lib\":[\"es2022\"],"
	    "\"types\":[],\"module\":\"es2022\",\"moduleResolution\":"
	    "\"bundler\","
	    "\"strict\":true,\"noEmitOnError\":true,\"newLine\":\"lf\","
	    "\"outDir\":\"out\","
	    "\"paths\":{\"gsr-policy\":[\"./gsr-policy.d.ts\"]},"
	    "\"rootDir\":\"");
	json_escape(&project,
	    slice_make(c->source, (size_t)(slash - c->source) + 1));
	buf_puts(&project, "\"},\"files\":[\"");
	json_escape(&project, slice_of(c->source));
	buf_puts(&project, "\"]}\n");
	fine = write_in_place(c, "tsconfig.json", buf_slice(&project)) &&
	       write_in_place(c, "gsr-policy.d.ts", compiler_types());
	buf_fini(&project);
	return fine;
}

static int
remove_one(const char *path, const struct stat *about, int kind,
    struct FTW *where)
{
	(void)about;
	(void)kind;
	(void)where;
	return remove(path);
}

static bool
make_place(struct compiling *c)
{
	const char *temporary = getenv("TMPDIR");

	if (temporary == NULL || temporary[0] == '\0')
		temporary = "/tmp";
	snprintf(c->place, sizeof(c->place), "%s/gsr-policy-XXXXXX", temporary);
	if (mkdtemp(c->place) != NULL)
		return true;
	buf_printf(c->why, "%s: %s\n", c->place, strerror(errno));
	return false;
}

/*** From file to file. */

static void
put_first_line(struct compiling *c, struct slice source)
{
	const struct hash hash = hash_of(source.ptr, source.len);
	char hex[2 * HASH_BYTES + 1];

	hex_write(hex, hash.bytes, sizeof(hash.bytes));
	buf_printf(c->js, "// gsr-policy 1 source=%s typescript=%s\n", hex,
	    c->version);
}

static bool
read_text(struct compiling *c, const char *path, struct slice *text)
{
	switch (file_read(&c->arena, path, SANDBOX_SOURCE_MAX, text)) {
	case FILE_FINE:
		return true;
	case FILE_MISSING:
		buf_printf(c->why, "%s: there is no such file\n", path);
		return false;
	case FILE_TOO_LARGE:
		buf_printf(c->why, "%s: it is larger than 256 KiB\n", path);
		return false;
	default:
		buf_printf(c->why, "%s: %s\n", path, strerror(errno));
		return false;
	}
}

static bool
compile(struct compiling *c)
{
	const char *slash = strrchr(c->source, '/') + 1;
	const char *made = arena_printf(&c->arena, "out/%.*s.js",
	    (int)(strlen(slash) - strlen(".ts")), slash);
	struct slice source, js;
	struct buf printed;
	bool fine;

	if (!read_text(c, c->source, &source) || !write_project(c))
		return false;
	buf_init(&printed, PRINTED_MAX);
	fine =
	    run((const char *const[]){ c->tsc, "--project",
		    in_place(c, "tsconfig.json"), "--pretty", "false", NULL },
		&printed);
	if (!fine)
		put_places(c->why, buf_slice(&printed));
	buf_fini(&printed);
	if (!fine || !read_text(c, in_place(c, made), &js))
		return false;
	put_first_line(c, source);
	buf_put_slice(c->js, js);
	return true;
}

static bool
is_policy_file(const char *path)
{
	size_t len = strlen(path);

	return len > 3 && strcmp(path + len - 3, ".ts") == 0 &&
	       (len < 5 || strcmp(path + len - 5, ".d.ts") != 0);
}

bool
compiler_run(const char *tsc, const char *path, struct buf *js, struct buf *why)
{
	struct compiling c = { .js = js, .why = why };
	bool fine = false;

	if (!is_policy_file(path)) {
		buf_printf(why, "%s: a policy's source is a file .ts\n", path);
		return false;
	}
	if (realpath(path, c.source) == NULL) {
		buf_printf(why, "%s: %s\n", path, strerror(errno));
		return false;
	}
	arena_init(&c.arena, ARENA_BYTES);
	if (find(&c, tsc) && read_version(&c) && make_place(&c)) {
		fine = compile(&c);
		nftw(c.place, remove_one, FTW_FILES, FTW_DEPTH | FTW_PHYS);
	}
	arena_fini(&c.arena);
	return fine;
}
