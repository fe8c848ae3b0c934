#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "node/cmd/commands.h"

#define TARGET_MAX 2048

struct options {
	const char *state, *group;
	bool json;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "group", "NAME", OPTION_TEXT, offsetof(struct options, group), false,
	    0, 0, "only of this model group" },
	JSON_OPTION(struct options),
};

static int
run_evidence(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct buf target;
	enum asked asked;

	(void)count;
	(void)operands;
	buf_init(&target, TARGET_MAX);
	buf_puts(&target, "/admin/evidence");
	ask_argument(&target, "group", o->group);
	ask_argument(&target, "format", o->json ? "json" : NULL);
	asked =
	    ask_daemon(o->state, "GET", buf_text(&target), slice_make(NULL, 0));
	buf_fini(&target);
	if (asked == ASKED_NOBODY)
		fprintf(stderr,
		    "no daemon runs on %s; it is the one that checks the "
		    "signatures\n",
		    o->state);
	return asked == ASKED_OK ? 0 : 1;
}

const struct command cmd_get_evidence = {
	.name = "get evidence",
	.summary = "what tests have proved of targets, and when",
	.text =
	    "The newest result of each trial that `gsr-node test` made; only "
	    "rows whose signature\nis good.\n\nExample:  gsr-node get evidence "
	    "--state /var/lib/gsr --group assistant",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_evidence,
};
