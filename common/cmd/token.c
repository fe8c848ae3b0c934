#include "common/cmd/shared.h"
#include "common/cmd/steward.h"

/* Of a member that has no callers: its tokens are of admins alone. */
struct options {
	struct steward_options steward;
	bool json;
};

static const struct option_spec create_specs[] = {
	STATE_OPTION_AT(struct options, steward.state),
	ROLE_OPTION(struct options, steward.roles),
	TEAM_OPTION(struct options, steward.teams),
	{ "project", "NAME", OPTION_LIST,
	    offsetof(struct options, steward.projects), false, 0, 0,
	    "a report-admin sees this project's rows only" },
	{ "expires", "TIME", OPTION_TEXT,
	    offsetof(struct options, steward.expires), false, 0, 0,
	    "after that long: 12h, 30d; default: never" },
};

static const struct option_spec list_specs[] = {
	STATE_OPTION_AT(struct options, steward.state),
	JSON_OPTION(struct options),
};

static const struct option_spec revoke_specs[] = {
	STATE_OPTION_AT(struct options, steward.state),
};

static int
run_create(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	(void)count;
	return steward_create(&o->steward, operands[0]);
}

static int
run_list(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	(void)count;
	(void)operands;
	return steward_list(o->steward.state, o->json);
}

static int
run_revoke(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	(void)count;
	return steward_revoke(o->steward.state, operands[0]);
}

const struct command cmd_admin_token_create = {
	.name = "token create",
	.operands = "NAME",
	.summary = "make an admin token; it is shown once",
	.text =
	    "For the operator listener (admin_listen): Authorization: Bearer "
	    "gsra_…  Each role is\ngiven by itself; --role may be repeated.  "
	    "Only a keyed hash of the token is kept.  It\nis in force at once "
	    "on a running egress.\n\nExample:  gsr-egress token create finance "
	    "--role report-admin --team payments \\\n            --expires 30d "
	    "--state /var/lib/gsr",
	.options = create_specs,
	.options_count = count_of(create_specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_create,
};

const struct command cmd_admin_token_list = {
	.name = "token list",
	.summary = "all admin tokens: their roles and scope, since when",
	.text = "Never shows tokens or their hashes.",
	.options = list_specs,
	.options_count = count_of(list_specs),
	.options_bytes = sizeof(struct options),
	.run = run_list,
};

const struct command cmd_admin_token_revoke = {
	.name = "token revoke",
	.operands = "NAME",
	.summary = "take an admin token out of force, now",
	.text = "Nothing is answered to it from the moment this returns.",
	.options = revoke_specs,
	.options_count = count_of(revoke_specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_revoke,
};
