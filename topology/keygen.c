#include <stdio.h>
#include <stdlib.h>

#include "topology/commands.h"
#include "topology/keyfile.h"
#include "topology/review.h"

#define WHY_BYTES_MAX 4096

static int
keygen(const void *options, int count, char *const *operands)
{
	char text[PUBLIC_KEY_CHARS];
	struct public_key public;
	struct buf why;
	bool fine;

	(void)options;
	(void)count;
	buf_init(&why, WHY_BYTES_MAX);
	fine = keyfile_make(operands[0], &public, &why);
	complain(&why);
	buf_fini(&why);
	if (!fine)
		return EXIT_FAILURE;
	public_key_write(&public, text);
	printf("%s\n", text);
	return EXIT_SUCCESS;
}

const struct command keygen_command = {
	.name = "keygen",
	.operands = "FILE",
	.summary = "make a signing key, of the operator or a team",
	.text = "Writes a new Ed25519 signing key to FILE (mode 0600, never "
		"replaced) and\nprints its public key: what members pin "
		"(--operator-key), or a team's\nsigning_key in mesh.yaml.",
	.operands_min = 1,
	.operands_max = 1,
	.run = keygen,
};
