#include "common/cmd/watch.h"
#include "node/cmd/commands.h"

static const struct option_spec specs[] = {
	WATCH_STATE,
	WATCH_FILTER(0, "caller", "NAME", "only this token, and its smoothing"),
	WATCH_FILTER(1, "project", "NAME", "only this project"),
	WATCH_FILTER(2, "user", "NAME", "only this user"),
	WATCH_END,
};

static const struct watch_view view = { "/admin/limits",
	"what is left of limits", { "caller", "project", "user" }, NULL };

const struct command cmd_get_limits = {
	.name = "get limits",
	.summary = "what each caller, project and user spent and has left",
	.text =
	    "Of the running node.  First who has limits or spent anything: "
	    "what is left of its\nrates, what is under way, and a line for "
	    "each budget; spent and held together never\nexceed the limit.  "
	    "Who has no budget shows its month.  Then where requests are\n"
	    "smoothed: callers, groups, accounts of the node's own.\n\n"
	    "Example:  gsr-node get limits --project checkout --watch "
	    "--state /var/lib/gsr",
	WATCH_COMMAND(specs, view),
};
