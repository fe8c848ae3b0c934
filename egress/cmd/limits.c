#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/cmd/watch.h"
#include "egress/cmd/commands.h"

#define TARGET_MAX 1024

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
draw(const void *arg)
{
	const struct options *o = arg;
	struct buf path;
	enum asked asked;

	buf_init(&path, TARGET_MAX);
	buf_puts(&path, "/admin/limits");
	ask_argument(&path, "team", o->team);
	ask_argument(&path, "format", o->json ? "json" : NULL);
	asked =
	    ask_daemon(o->state, "GET", buf_text(&path), slice_make(NULL, 0));
	buf_fini(&path);
	if (asked == ASKED_NOBODY)
		fprintf(stderr,
		    "no daemon runs on %s; what is left of limits is of a "
		    "running one\n",
		    o->state);
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
