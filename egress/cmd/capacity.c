#include "common/cmd/watch.h"
#include "egress/cmd/commands.h"

static const struct option_spec specs[] = {
	WATCH_STATE,
	WATCH_END,
};

static const struct watch_view view = { "/admin/capacity", "what is in use",
	{ NULL }, NULL };

const struct command cmd_get_capacity = {
	.name = "get capacity",
	.summary = "what is left of each provider account, and who waits",
	.text =
	    "One line an account and one a model: whether it backs off and "
	    "for what, what is left\nof each rate now (of a minute's worth), "
	    "calls under way, calls that wait for their\nturn.  A team with a "
	    "key of its own has an account of its own: provider@team.\n\n"
	    "Example:  gsr-egress get capacity --watch --state /var/lib/gsr",
	WATCH_COMMAND(specs, view),
};
