#pragma once
/*
 * spool: room for the files of one comparison, STATE/reconcile: empty when it
 * is opened, gone when it is closed.  One at a time; what a process that died
 * left is taken away by the next one, or by the daemon's start.
 */
#include "common/export/manifest.h"

struct spool {
	int fd; /* locked; -1: not open */
	char dir[EXPORT_PATH_MAX];
};

/* False and one line in `why`. */
must_check bool spool_open(struct spool *s, const char *state_dir,
    struct buf *why);
void spool_close(struct spool *s); /* also one that could not be opened */

/* A folder in it; nothing is made. */
void spool_folder(const struct spool *s, const char *name,
    char path[EXPORT_PATH_MAX]);

/* Take away what the folders have. */
void spool_clear(const struct spool *s);

/* The store's disk is not to be filled by it.  False and one line in `why`. */
must_check bool spool_has_room(const struct spool *s, struct buf *why);

/* Take away what is left, if nobody uses it. */
void spool_sweep(const char *state_dir);
