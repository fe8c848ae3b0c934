#include "common/cmd/enroll.h"
#include "common/cmd/shared.h"
#include "node/cmd/commands.h"

struct options {
	const char *state, *mesh, *name, *team, *parent, *operator_key;
};

#define WANT(field, option, value, help)                                       \
	{                                                                      \
		option, value, OPTION_TEXT, offsetof(struct options, field),   \
		    true, 0, 0, help                                           \
	}

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	WANT(mesh, "mesh", "MESH", "name of the mesh"),
	WANT(name, "name", "NAME", "this node's name in mesh.yaml"),
	WANT(team, "team", "TEAM", "the team it serves"),
	WANT(parent, "parent", "EGRESS", "the egress it dials"),
	WANT(operator_key, "operator-key", "KEY",
	    "the operator's public key, ed25519:… or its file; pinned for "
	    "good"),
};

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct enrolment e = { .mesh = o->mesh,
		.name = o->name,
		.team = o->team,
		.parent = o->parent,
		.role = ROLE_NODE };

	(void)count;
	(void)operands;
	return enroll_run(o->state, &e, o->operator_key);
}

const struct command cmd_enroll = {
	.name = "enroll",
	.summary = "make this node's identity and print its line for mesh.yaml",
	.text =
	    "Makes the state directory with an identity key that never leaves "
	    "it, and pins the\noperator's key: only topologies signed by it "
	    "are taken from then on.\n\nExample:  gsr-node enroll --state "
	    "/var/lib/gsr --mesh demo --name payments \\\n            --team "
	    "payments --parent central --operator-key operator.pub",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
