#include "common/cmd/watch.h"
#include "egress/cmd/commands.h"

static const struct option_spec specs[] = {
	WATCH_STATE,
	WATCH_END,
};

static const struct watch_view view = { "/admin/targets", "how targets stand",
	{ NULL }, NULL };

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
	WATCH_COMMAND(specs, view),
};
