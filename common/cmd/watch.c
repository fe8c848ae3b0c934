#include "common/cmd/watch.h"

#include <stdio.h>
#include <unistd.h>

#include "common/cmd/ask.h"

/* To the first line, and forget all below. */
#define FROM_ABOVE "\033[H\033[J"

int
watch(int (*draw)(const void *arg), const void *arg)
{
	const char *before = isatty(STDOUT_FILENO) ? FROM_ABOVE : "";
	int status;

	for (;;) {
		fputs(before, stdout);
		status = draw(arg);
		if (status != 0 || fflush(stdout) != 0)
			return status != 0 ? status : 1;
		if (*before == '\0')
			before = "\n";
		sleep(1);
	}
}

static int
draw_answer(const void *arg)
{
	const struct watch_ask *ask = arg;
	enum asked asked =
	    ask_daemon(ask->state, "GET", ask->target, slice_make(NULL, 0));

	if (asked == ASKED_NOBODY)
		fprintf(stderr,
		    "no daemon runs on %s; %s is of a running one\n",
		    ask->state, ask->what);
	return asked == ASKED_OK ? 0 : 1;
}

int
watch_daemon(const struct watch_ask *ask)
{
	return ask->watch ? watch(draw_answer, ask) : draw_answer(ask);
}
