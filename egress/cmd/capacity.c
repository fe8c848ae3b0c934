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
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const struct watch_ask ask = { .state = o->state,
		.path = "/admin/capacity",
		.what = "what is in use",
		.json = o->json,
		.watch = o->watch };

	(void)count;
	(void)operands;
	return watch_daemon(&ask);
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
