#include <stdio.h>

#include "common/cmd/watch.h"
#include "node/cmd/commands.h"

#define IN 4 /* --in */

static const struct option_spec specs[] = {
	WATCH_STATE,
	WATCH_FILTER(0, "caller", "NAME", "only this token"),
	WATCH_FILTER(1, "user", "NAME", "only of this user"),
	WATCH_FILTER(2, "project", "NAME", "only of this project"),
	WATCH_FILTER(3, "tier", "NAME", "only of this tier"),
	WATCH_FILTER(IN, "in", "STATE",
	    "active, expired, revoked or all; active"),
	WATCH_END,
};

static bool
state_fits(const char *const arguments[WATCH_ARGUMENTS_MAX])
{
	static const char *const states[] = { "active", "expired", "revoked",
		"all" };
	const char *near, *state = arguments[IN];
	size_t i;

	for (i = 0; i < count_of(states); i++)
		if (state == NULL || strcmp(state, states[i]) == 0)
			return true;
	near = nearest_word(slice_of(state), states, count_of(states));
	fprintf(stderr, "--in is active, expired, revoked or all");
	if (near != NULL)
		fprintf(stderr, "; did you mean '%s'?", near);
	fputc('\n', stderr);
	return false;
}

static const struct watch_view view = { "/admin/callers", "who calls",
	{ "caller", "user", "project", "tier", "state" }, state_fits };

const struct command cmd_get_callers = {
	.name = "get callers",
	.summary = "each token: when it was last used, what it has left",
	.text =
	    "Of the running node, who came last first; also a use that was "
	    "refused, as of a revoked\ntoken.  What is left of the rates of "
	    "the token's tier, and of the budget that is\nused most; `get "
	    "limits` has all of them, and those above it.  `token list` works "
	    "without\na daemon.\n\n"
	    "Example:  gsr-node get callers --project checkout --watch "
	    "--state /var/lib/gsr\n"
	    "          gsr-node get callers --in revoked --json --state "
	    "/var/lib/gsr",
	WATCH_COMMAND(specs, view),
};
