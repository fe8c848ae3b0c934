#include <stdio.h>

#include "common/cmd/shared.h"
#include "common/cmd/watch.h"
#include "node/cmd/commands.h"

struct options {
	const char *state, *caller, *user, *project, *tier, *in;
	bool json, watch;
};

#define FILTER(name, value, help)                                              \
	{                                                                      \
#name, value, OPTION_TEXT, offsetof(struct options, name),     \
		    false, 0, 0, help                                          \
	}

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	FILTER(caller, "NAME", "only this token"),
	FILTER(user, "NAME", "only of this user"),
	FILTER(project, "NAME", "only of this project"),
	FILTER(tier, "NAME", "only of this tier"),
	FILTER(in, "STATE", "active, expired, revoked or all; active"),
	WATCH_OPTION(struct options),
	JSON_OPTION(struct options),
};

static bool
check_state(const char *state)
{
	static const char *const states[] = { "active", "expired", "revoked",
		"all" };
	const char *near;
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

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const struct watch_ask ask = { .state = o->state,
		.path = "/admin/callers",
		.what = "who calls",
		.arguments = { { "caller", o->caller }, { "user", o->user },
		    { "project", o->project }, { "tier", o->tier },
		    { "state", o->in } },
		.json = o->json,
		.watch = o->watch };

	(void)count;
	(void)operands;
	return check_state(o->in) ? watch_daemon(&ask) : 2;
}

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
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
