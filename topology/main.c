#include <stdio.h>

#include "common/base/crypto.h"
#include "common/base/version.h"
#include "topology/commands.h"

static const struct command *const commands[] = {
	&init_command,
	&keygen_command,
	&add_command,
	&validate_command,
	&sign_command,
	&verify_command,
	&schema_command,
	&reference_command,
};

static const struct program program = {
	.name = "gsr-topology",
	.about = "Checks and signs the files that say who is in a mesh and who "
		 "may do what.\nA folder holds mesh.yaml, egress/NAME.yaml and "
		 "node/NAME.yaml, and the\nlocks that vouch for them; all of "
		 "it belongs in git, no secret does.",
	.version = GSR_VERSION,
	.commands = commands,
	.commands_count = count_of(commands),
};

int
main(int argc, char **argv)
{
	if (!crypto_start()) {
		fprintf(stderr,
		    "gsr-topology: no randomness on this machine\n");
		return 1;
	}
	return program_run(&program, argc, argv);
}
