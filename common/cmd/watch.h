#pragma once
/*
 * watch: an answer that is drawn again each second, until Ctrl-C or until the
 * daemon is gone.
 */
#include <stdbool.h>

/* Draws once and gives the exit status; on a terminal in the place of the
 * last time, else behind an empty line. */
int watch(int (*draw)(const void *arg), const void *arg);

#define WATCH_ARGUMENTS_MAX 5

/* Of an option that was not given the value is NULL: it is left out. */
struct watch_argument {
	const char *name, *value;
};

/*
 * The same of what a running daemon answers to a GET of `path`; without a
 * daemon it says that `what` is of a running one.
 */
struct watch_ask {
	const char *state, *path, *what;
	struct watch_argument arguments[WATCH_ARGUMENTS_MAX];
	bool json, watch; /* else for people; once */
};
int watch_daemon(const struct watch_ask *ask);

/* For the table of options, of a `bool watch`. */
#define WATCH_OPTION(type)                                                     \
	{                                                                      \
		"watch", NULL, OPTION_FLAG, offsetof(type, watch), false, 0,   \
		    0, "again each second, until Ctrl-C"                       \
	}
