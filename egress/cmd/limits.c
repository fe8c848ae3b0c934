#include "common/cmd/watch.h"
#include "egress/cmd/commands.h"

static const struct option_spec specs[] = {
	WATCH_STATE,
	WATCH_FILTER(0, "team", "NAME", "only this team"),
	WATCH_END,
};

static const struct watch_view view = { "/admin/limits",
	"what is left of limits", { "team" }, NULL };

const struct command cmd_get_team_limits = {
	.name = "get limits",
	.summary = "what each team spent here and has left",
	.text =
	    "Of the running egress.  First the teams of mesh.yaml: what is "
	    "left of their rates,\nwhat is under way, and a line for each "
	    "budget; what a team spent on its own upstreams\ncounts too, and "
	    "stands beside each node that told it (member).  Then the "
	    "accounts that\nare smoothed; `get capacity` tells more of "
	    "those.\n\n"
	    "Example:  gsr-egress get limits --team payments --watch --state "
	    "/var/lib/gsr",
	WATCH_COMMAND(specs, view),
};
