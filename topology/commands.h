#pragma once
/*
 * commands: what gsr-topology can be asked for; each in the file of its name.
 */
#include "common/base/command.h"

extern const struct command init_command;
extern const struct command keygen_command;
extern const struct command add_command;
extern const struct command validate_command;
extern const struct command sign_command;
extern const struct command verify_command;
extern const struct command schema_command;
extern const struct command reference_command;
