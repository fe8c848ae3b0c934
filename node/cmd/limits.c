#include "common/cmd/shared.h"
#include "common/cmd/watch.h"
#include "node/cmd/commands.h"

struct options {
	const char *state, *caller, *project, *user;
	bool json, watch;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "caller", "NAME", OPTION_TEXT, offsetof(struct options, caller),
	    false, 0, 0, "only this token, and its smoothing" },
	{ "project", "NAME", OPTION_TEXT, offsetof(struct options, project),
	    false, 0, 0, "only this project" },
	{ "user", "NAME", OPTION_TEXT, offsetof(struct options, user), false, 0,
	    0, "only this user" },
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
		.arguments = { { "caller", o->caller },
		    { "project", o->project }, { "user", o->user } },
		.json = o->json,
		.watch = o->watch };

	(void)count;
	(void)operands;
	return watch_daemon(&ask);
}

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
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
