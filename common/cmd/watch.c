#include "common/cmd/watch.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

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
