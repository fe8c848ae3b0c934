#pragma once
/* The subcommands that only gsr-egress has; one file each. */
#include "common/base/command.h"

extern const struct command cmd_egress_enroll;
extern const struct command cmd_get_account_targets;
extern const struct command cmd_get_capacity;
extern const struct command cmd_get_team_limits;
