#pragma once
/*
 * grammar: the keyword tables of the three kinds of files, and of the stanza
 * that `enroll` prints.
 */
#include "topology/keyword.h"

extern const struct table mesh_table;   /* mesh.yaml to struct mesh */
extern const struct table node_table;   /* node/NAME.yaml, struct node_file */
extern const struct table egress_table; /* egress/NAME.yaml, egress_file */
extern const struct table member_table; /* one of mesh.yaml's members */
