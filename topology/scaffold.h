#pragma once
/*
 * scaffold: the first files of a mesh and the keys that sign them, from what
 * init was told.  All of it lives as long as the arena.
 */
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/command.h"
#include "common/base/crypto.h"

struct scaffold_node {
	struct slice name, team;
};
struct scaffold_provider {
	struct slice name, type, base_url; /* empty: as the type says */
};
struct scaffold_model {
	struct slice provider, model, target;
	struct slice input, output, cached; /* prices as written */
};
struct scaffold_group {
	struct slice name, target;
};

struct scaffold {
	struct arena arena;
	struct buf why;
	const char *dir;
	const char *operator_file, *team_keys; /* where the keys are or go */
	const char *mesh, *egress, *egress_address, *egress_listen;
	const char *node_listen;        /* of the first node */
	struct public_key operator_key; /* set by scaffold_write */
	struct scaffold_node nodes[OPTION_LIST_MAX];
	struct scaffold_provider providers[OPTION_LIST_MAX];
	struct scaffold_model models[OPTION_LIST_MAX];
	struct scaffold_group groups[OPTION_LIST_MAX];
	size_t nodes_count, providers_count, models_count, groups_count;
};

/* Write all of it; keys that are there are used.  False and `why`. */
must_check bool scaffold_write(struct scaffold *s);
