#pragma once
/*
 * watch: an answer that is drawn again each second, until Ctrl-C or until the
 * daemon is gone.
 */

/* Draws once and gives the exit status; on a terminal in the place of the
 * last time, else behind an empty line. */
int watch(int (*draw)(const void *arg), const void *arg);

/* For the table of options, of a `bool watch`. */
#define WATCH_OPTION(type)                                                     \
	{                                                                      \
		"watch", NULL, OPTION_FLAG, offsetof(type, watch), false, 0,   \
		    0, "again each second, until Ctrl-C"                       \
	}
