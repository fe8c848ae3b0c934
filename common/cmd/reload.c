#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"

struct options {
	const char *state;
};

static const struct option_spec specs[] = { STATE_OPTION(struct options) };

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	enum asked asked;

	(void)count;
	(void)operands;
	asked =
	    ask_daemon(o->state, "POST", "/admin/reload", slice_make(NULL, 0));
	if (asked == ASKED_NOBODY)
		fprintf(stderr, "no daemon runs on %s\n", o->state);
	return asked == ASKED_OK ? 0 : 1;
}

const struct command cmd_reload = {
	.name = "reload",
	.summary = "load topology and secrets anew, all or nothing",
	.text =
	    "The same as SIGHUP, but it says what became of it: a refused "
	    "topology is\nreported with its reasons, and the old one goes on "
	    "serving.",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
