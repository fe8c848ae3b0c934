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
		.path = "/admin/targets",
		.what = "how targets stand",
		.json = o->json,
		.watch = o->watch };

	(void)count;
	(void)operands;
	return watch_daemon(&ask);
}

const struct command cmd_get_account_targets = {
	.name = "get targets",
	.summary = "how each account and target stands: open, or backing off",
	.text =
	    "Of the running egress.  One line an account, (all), and one each "
	    "of its models: 'ok',\n'backing-off' for what and for how long, "
	    "'half-open' until one probe is answered; 'by\naccount' where it "
	    "is the whole account that is left alone.  'times' is how often "
	    "that\nbegan.  Then what was seen in the last nine to ten minutes, "
	    "of all teams.  A team with\na key of its own has an account of "
	    "its own: provider@team.  Targets are disabled at\nthe nodes.\n\n"
	    "Example:  gsr-egress get targets --watch --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
