#pragma once
/*
 * steward: admin tokens by command, through the daemon or on the store when
 * none runs: what `token …` of both daemons has alike.
 */
#include "common/base/command.h"

struct steward_options {
	const char *state, *expires;
	struct option_list roles, teams, projects;
};

/* Each gives the exit status. */
int steward_create(const struct steward_options *o, const char *name);
int steward_list(const char *state_dir, bool json);
int steward_revoke(const char *state_dir, const char *name);

/* When a token ends by its --expires, which may be NULL: never, 0.  False: said
 * why. */
must_check bool steward_expiry(const char *text, int64_t *expires_us);

/* --role, for the table of a struct with a `struct option_list` there. */
#define ROLE_OPTION(type, member)                                              \
	{                                                                      \
		"role", "ROLE", OPTION_LIST, offsetof(type, member), false, 0, \
		    0,                                                         \
		    "an admin token with this role: report-admin, "            \
		    "metrics-admin, token-admin, capture-admin, operator"      \
	}
#define TEAM_OPTION(type, member)                                              \
	{                                                                      \
		"team", "NAME", OPTION_LIST, offsetof(type, member), false, 0, \
		    0, "a report-admin sees this team's rows only"             \
	}
