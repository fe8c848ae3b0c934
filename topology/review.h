#pragma once
/*
 * review: one run of the tool over a folder: its arena, what was read and
 * what is wrong with it, and how that is told.
 */
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "topology/folder.h"

struct review {
	struct arena arena;
	struct mistakes mistakes;
	struct folder folder;
};

/* Read the folder; of the nodes all, or only one. */
struct review *review_new(const char *dir, const char *only_node);
void review_free(struct review *r);

/* Mistakes and their number to standard error; gives the exit status. */
int review_tell(struct review *r);

/* Print what a buf holds, to standard output or error. */
void say(const struct buf *text);
void complain(const struct buf *text);
