#pragma once
/*
 * reach: what a node's targets are looked up in: its own file, its parents'
 * egress files, and what its team may use.  Valid as long as the folder.
 */
#include "topology/folder.h"

struct reach_parent {
	const struct egress_file *file; /* NULL: none that could be read */
	const struct member *member;    /* NULL when there is none */
	struct slice name;
};

struct reach {
	struct folder *folder;
	struct folder_file *file; /* of the node */
	const struct node_file *own;
	const struct member *self; /* NULL when there is none */
	const struct team *team;   /* the same */
	struct reach_parent parents[MEMBER_PARENTS_MAX]; /* in their order */
	size_t parents_count;
};

struct reach reach_of(struct folder *f, struct folder_file *file);

/* Has it parents, and could all their files be read? */
bool reach_is_known(const struct reach *reach);

/* A target as one of the files has it. */
struct reached {
	const struct model *model;
	struct slice region; /* where it is served; empty: not known */
	bool own;            /* by the node itself, so needs no grant */
};

/*
 * All ways to it: the node's own, or each parent that has it, in their order;
 * gives how many.
 */
size_t reach_find(const struct reach *reach, struct slice target,
    struct reached ways[MEMBER_PARENTS_MAX]);
