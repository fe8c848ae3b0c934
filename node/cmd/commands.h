#pragma once
/* The subcommands that only gsr-node has; one file each. */
#include "common/base/command.h"

extern const struct command cmd_enroll;
extern const struct command cmd_token_create;
extern const struct command cmd_token_list;
extern const struct command cmd_token_revoke;
extern const struct command cmd_test;
extern const struct command cmd_get_evidence;
extern const struct command cmd_reference_dialects;
extern const struct command cmd_get_targets;
extern const struct command cmd_targets_disable;
extern const struct command cmd_targets_enable;
extern const struct command cmd_get_limits;
extern const struct command cmd_get_callers;
extern const struct command cmd_explain_node;
extern const struct command cmd_policy_build;
extern const struct command cmd_policy_test;
extern const struct command cmd_policy_replay;
extern const struct command cmd_policy_types;
