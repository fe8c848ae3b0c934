#pragma once
/*
 * policy: the script that a group's `strategy: script` runs, from a file
 * below the topology's folder.  The node file has the hash of it, so that who
 * signs the one has signed the other.
 */
#include "topology/folder.h"

#define POLICY_BYTES_MAX ((size_t)256 * 1024)

/* Read what this node's groups name into their `script.code`. */
void policies_read(struct folder *f, struct folder_file *file);
