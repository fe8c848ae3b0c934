#pragma once
/*
 * alias: further names of a node's groups.  What a caller puts in `model`
 * has to mean one group, so that names and aliases of a node are all
 * different.
 */
struct folder;
struct folder_file;

/* Add a mistake for each alias that is a group's name or alias already. */
void alias_check(struct folder *f, struct folder_file *node);
