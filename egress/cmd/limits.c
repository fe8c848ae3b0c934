#include "common/cmd/shared.h"
#include "common/cmd/watch.h"
#include "egress/cmd/commands.h"

struct options {
	const char *state, *team;
	bool json, watch;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "team", "NAME", OPTION_TEXT, offsetof(struct options, team), false, 0,
	    0, "only this team" },
	WATCH_OPTION(struct options),
	JSON_OPTION(struct options),
};

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const struct watch_ask ask = { .state = o->state,
		.path = "/admin/limits",
		.what = "what is left of limits",
		.arguments = { { "team", o->team } },
		.json = o->json,
		.watch = o->watch };

	(void)count;
	(void)operands;
	return watch_daemon(&ask);
}

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
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
