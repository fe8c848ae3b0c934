#include "common/cmd/watch.h"

#include <stdio.h>
#include <unistd.h>

#include "common/cmd/ask.h"

/* To the first line, and forget all below. */
#define FROM_ABOVE "\033[H\033[J"
#define TARGET_MAX 4096

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

static enum asked
get(const struct watch_ask *ask)
{
	struct buf target;
	enum asked asked;
	size_t i;

	buf_init(&target, TARGET_MAX);
	buf_puts(&target, ask->path);
	for (i = 0; i < WATCH_ARGUMENTS_MAX && ask->arguments[i].name != NULL;
	     i++)
		ask_argument(&target, ask->arguments[i].name,
		    ask->arguments[i].value);
	ask_argument(&target, "format", ask->json ? "json" : NULL);
	asked = ask_daemon(ask->state, "GET", buf_text(&target),
	    slice_make(NULL, 0));
	buf_fini(&target);
	return asked;
}

static int
draw_answer(const void *arg)
{
	const struct watch_ask *ask = arg;
	enum asked asked = get(ask);

	if (asked == ASKED_NOBODY && ask->without != NULL && !ask->watch)
		return ask->without(ask->arg);
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

int
watch_run(const void *view, const void *options)
{
	const struct watch_view *v = view;
	const struct watch_options *o = options;
	struct watch_ask ask = { .state = o->state,
		.path = v->path,
		.what = v->what,
		.json = o->json,
		.watch = o->watch };
	size_t i;

	if (v->fits != NULL && !v->fits(o->arguments))
		return 2;
	for (i = 0; i < WATCH_ARGUMENTS_MAX && v->names[i] != NULL; i++)
		ask.arguments[i] =
		    (struct watch_argument){ v->names[i], o->arguments[i] };
	return watch_daemon(&ask);
}
