#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/cmd/watch.h"
#include "egress/cmd/commands.h"

struct options {
	const char *state;
	bool json, watch;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	WATCH_OPTION(struct options),
	JSON_OPTION(struct options),
};

static int
draw(const void *arg)
{
	const struct options *o = arg;
	enum asked asked;

	asked = ask_daemon(o->state, "GET",
	    o->json ? "/admin/capacity?format=json" : "/admin/capacity",
	    slice_make(NULL, 0));
	if (asked == ASKED_NOBODY)
		fprintf(stderr,
		    "the egress does not run: what is in use is its own to "
		    "know\n");
	return asked == ASKED_OK ? 0 : 1;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	(void)count;
	(void)operands;
	return o->watch ? watch(draw, o) : draw(o);
}

const struct command cmd_get_capacity = {
	.name = "get capacity",
	.summary = "what is left of each provider account, and who waits",
	.text =
	    "One line an account and one a model: whether it backs off and "
	    "for what, what is left\nof each rate now (of a minute's worth), "
	    "calls under way, calls that wait for their\nturn.  A team with a "
	    "key of its own has an account of its own: provider@team.\n\n"
	    "Example:  gsr-egress get capacity --watch --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
