#include <stdio.h>

#include "node/cmd/commands.h"
#include "node/policy/compiler.h"

static int
run(const void *options, int count, char *const *operands)
{
	struct slice text = compiler_types();

	(void)options;
	(void)count;
	(void)operands;
	return fwrite(text.ptr, 1, text.len, stdout) == text.len ? 0 : 1;
}

const struct command cmd_policy_types = {
	.name = "policy types",
	.summary = "print the types that policies are checked against",
	.text = "For editors; `policy build` has its own copy.\n\n"
		"Example:  mkdir -p node_modules/gsr-policy\n"
		"          gsr-node policy types "
		">node_modules/gsr-policy/index.d.ts",
	.run = run,
};
