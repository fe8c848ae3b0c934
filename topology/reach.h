#pragma once
/*
 * reach: what a node's targets are looked up in: its own file, its parent's
 * egress file, and what its team may use.  Valid as long as the folder.
 */
#include "topology/folder.h"

struct reach {
	struct folder *folder;
	struct folder_file *file; /* of the node */
	const struct node_file *own;
	const struct member *self;          /* NULL when there is none */
	const struct team *team;            /* the same */
	const struct egress_file *parent;   /* the same */
	const struct member *parent_member; /* the same */
	const char *parent_name;
};

struct reach reach_of(struct folder *f, struct folder_file *file);

/* A target as the files have it. */
struct reached {
	const struct model *model; /* NULL: neither file has it */
	struct slice region;       /* where it is served; empty: not known */
	bool own;                  /* by the node itself, so needs no grant */
};
struct reached reach_find(const struct reach *reach, struct slice target);
