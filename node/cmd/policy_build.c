#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "node/cmd/commands.h"
#include "node/policy/compiler.h"
#include "node/policy/sandbox.h"
#include "topology/file.h"

#define TEXT_MAX    ((size_t)1 << 20)
#define ARENA_BYTES ((size_t)64 << 10)

struct options {
	const char *out, *tsc;
};

static const struct option_spec specs[] = {
	{ "out", "OUT.js", OPTION_TEXT, offsetof(struct options, out), false, 0,
	    0, "where it goes; default: beside the source" },
	{ "tsc", "PATH", OPTION_TEXT, offsetof(struct options, tsc), false, 0,
	    0, "TypeScript's compiler; default: $GSR_TSC, tsc in $PATH" },
};

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* What a node would refuse at its start is refused here. */
static bool
loads(const char *name, struct slice js, struct buf *why)
{
	const struct sandbox_spec spec = { .source = js, .name = name };
	struct sandbox *s;
	struct buf reason;

	buf_init(&reason, TEXT_MAX);
	s = sandbox_new(&spec, &reason);
	if (s == NULL)
		buf_printf(why, "%s does not load: %s\n", name,
		    buf_text(&reason));
	buf_fini(&reason);
	sandbox_free(s);
	return s != NULL;
}

static void
print_stanza(const char *out, struct slice js)
{
	const struct hash hash = hash_of(js.ptr, js.len);
	char hex[2 * HASH_BYTES + 1];

	hex_write(hex, hash.bytes, sizeof(hash.bytes));
	printf("    strategy: script\n"
	       "    script: {file: policies/%s, hash: \"%s\", "
	       "fallback: failover}\n",
	    base_name(out), hex);
}

/* policies/ of a topology that has none yet; writing says what went wrong. */
static void
make_folder(const char *out)
{
	char folder[PATH_MAX];
	int length = (int)(base_name(out) - out);

	if (length > 1 && length < PATH_MAX) {
		snprintf(folder, sizeof(folder), "%.*s", length - 1, out);
		(void)mkdir(folder, 0755);
	}
}

static bool
build(const struct options *o, const char *path, const char *out,
    struct buf *why)
{
	struct buf js;
	bool built;

	buf_init(&js, TEXT_MAX);
	built = compiler_run(o->tsc, path, &js, why) &&
		loads(base_name(out), buf_slice(&js), why);
	if (built)
		make_folder(out);
	if (built && !file_write(out, 0644, buf_slice(&js))) {
		buf_printf(why, "%s: %s\n", out, strerror(errno));
		built = false;
	}
	if (built) {
		fprintf(stderr, "%s is written; its group's lines:\n\n", out);
		print_stanza(out, buf_slice(&js));
	}
	buf_fini(&js);
	return built;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const char *out = o->out;
	struct arena arena;
	struct buf why;
	size_t stem = strlen(operands[0]);
	bool built;

	(void)count;
	arena_init(&arena, ARENA_BYTES);
	buf_init(&why, TEXT_MAX);
	if (out == NULL)
		out = arena_printf(&arena, "%.*s.js",
		    (int)(stem > 3 ? stem - 3 : stem), operands[0]);
	built = build(o, operands[0], out, &why);
	if (!built)
		fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	arena_fini(&arena);
	return built ? 0 : 1;
}

const struct command cmd_policy_build = {
	.name = "policy build",
	.operands = "FILE.ts",
	.summary = "check and compile a policy; print what a group needs",
	.text =
	    "Checks the policy's types (policy types prints them), compiles "
	    "it, and loads the\nresult as a node would.  Put the .js into "
	    "policies/ of the topology and the lines\nthat are printed under "
	    "its group; the hash makes sure that this very file runs.\n\n"
	    "Example:  gsr-node policy build cheapest.ts --out "
	    "mesh/policies/cheapest.js",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
