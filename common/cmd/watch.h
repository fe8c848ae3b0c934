#pragma once
/*
 * watch: an answer that is drawn again each second, until Ctrl-C or until the
 * daemon is gone.
 */
#include "common/cmd/shared.h"

/* Draws once and gives the exit status; on a terminal in the place of the
 * last time, else behind an empty line. */
int watch(int (*draw)(const void *arg), const void *arg);

#define WATCH_ARGUMENTS_MAX 5

/* Of an option that was not given the value is NULL: it is left out. */
struct watch_argument {
	const char *name, *value;
};

/*
 * The same of what a running daemon answers to a GET of `path`.  Without a
 * daemon: `without` of its argument, once; else it says that `what` is of a
 * running one.
 */
struct watch_ask {
	const char *state, *path, *what;
	struct watch_argument arguments[WATCH_ARGUMENTS_MAX];
	bool json, watch; /* else for people; once */
	int (*without)(const void *arg);
	const void *arg;
};
int watch_daemon(const struct watch_ask *ask);

/* A command that only asks and draws: what it asks, and by which names. */
struct watch_view {
	const char *path, *what;
	const char *names[WATCH_ARGUMENTS_MAX]; /* of the arguments */
	/* Are they good?  Else it says what is wrong.  May be NULL. */
	bool (*fits)(const char *const arguments[WATCH_ARGUMENTS_MAX]);
};

/* What is asked of all those commands. */
struct watch_options {
	const char *state;
	const char *arguments[WATCH_ARGUMENTS_MAX];
	bool json, watch;
};

/* For their tables of options: in this order, filters between them. */
#define WATCH_STATE STATE_OPTION(struct watch_options)
#define WATCH_FILTER(i, name, value, help)                                     \
	{                                                                      \
		name, value, OPTION_TEXT,                                      \
		    offsetof(struct watch_options, arguments[i]), false, 0, 0, \
		    help                                                       \
	}
#define WATCH_END                                                              \
	WATCH_OPTION(struct watch_options), JSON_OPTION(struct watch_options)

/* Of a struct command: all but its words. */
#define WATCH_COMMAND(specs, view)                                             \
	.options = specs, .options_count = count_of(specs),                    \
	.options_bytes = sizeof(struct watch_options), .run_row = watch_run,   \
	.row = &view
int watch_run(const void *view, const void *options);

/* For the table of options, of a `bool watch`. */
#define WATCH_OPTION(type)                                                     \
	{                                                                      \
		"watch", NULL, OPTION_FLAG, offsetof(type, watch), false, 0,   \
		    0, "again each second, until Ctrl-C"                       \
	}
