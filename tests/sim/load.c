/*
 * sim-load: a load client for chat gateways: streams, idle streams, latency.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/load_ping.h"
#include "tests/sim/load_stream.h"
#include "tests/sim/load_target.h"

static const struct mode {
	const char *name;
	int (*run)(const struct target *t, const struct wish *w);
	const char *words, *help;
} modes[] = {
	{ "stream", stream_run, "endless=1 interval_ms=10",
	    "many SSE streams at once" },
	{ "hold", stream_run, "endless=1 interval_ms=5000",
	    "the same, mostly idle" },
	{ "latency", ping_run, "", "one call after the other, timed" },
};

static const struct setting {
	const char *name;
	size_t offset;
	bool number;
	const char *help;
} settings[] = {
	{ "url", offsetof(struct wish, url), false,
	    "http://127.0.0.1:PORT/v1/chat/completions" },
	{ "bearer", offsetof(struct wish, bearer), false,
	    "the caller's token" },
	{ "model", offsetof(struct wish, model), false, "default gpt-5-mini" },
	{ "words", offsetof(struct wish, words), false,
	    "words for the scripted provider" },
	{ "dialect", offsetof(struct wish, dialect), false,
	    "of the body: chat (default), messages, responses" },
	{ "body", offsetof(struct wish, body), false,
	    "a file with the whole body, in place of all these" },
	{ "body-bytes", offsetof(struct wish, body_bytes), true,
	    "size of the request, about; default 2048" },
	{ "streams", offsetof(struct wish, streams), true, "default 400" },
	{ "seconds", offsetof(struct wish, seconds), true,
	    "from when all streams began; default 5" },
	{ "count", offsetof(struct wish, count), true,
	    "timed calls; default 2000" },
	{ "warmup", offsetof(struct wish, warmup), true,
	    "calls before them; default 200" },
};

#define SETTINGS (sizeof(settings) / sizeof(settings[0]))
#define MODES    (sizeof(modes) / sizeof(modes[0]))

static void
help(FILE *to)
{
	size_t i;

	fputs("usage: sim-load MODE --url URL [--NAME VALUE]...\n\nModes:\n",
	    to);
	for (i = 0; i < MODES; i++)
		fprintf(to, "  %-12s %s\n", modes[i].name, modes[i].help);
	fputs("\nSettings:\n", to);
	for (i = 0; i < SETTINGS; i++)
		fprintf(to, "  --%-10s %s\n", settings[i].name,
		    settings[i].help);
	fputs("\nPrints {\"ready\":N} when all streams began, then one JSON\n"
	      "line of what it saw.  Exits 1 when it could not see it.\n",
	    to);
}

static const struct mode *
find_mode(const char *name)
{
	size_t i;

	for (i = 0; i < MODES; i++)
		if (!strcmp(modes[i].name, name))
			return &modes[i];
	return NULL;
}

static bool
set(struct wish *w, const char *name, const char *value)
{
	char *end = NULL;
	size_t i;

	for (i = 0; i < SETTINGS; i++) {
		void *field = (char *)w + settings[i].offset;

		if (strcmp(settings[i].name, name))
			continue;
		if (!settings[i].number)
			*(const char **)field = value;
		else
			*(uint64_t *)field = strtoull(value, &end, 10);
		return !end || (end != value && !*end);
	}
	return false;
}

static bool
parse_settings(struct wish *w, int argc, char **argv)
{
	int i;

	for (i = 2; i < argc; i += 2)
		if (strncmp(argv[i], "--", 2) || i + 1 == argc ||
		    !set(w, argv[i] + 2, argv[i + 1]))
			return false;
	return *w->url && w->streams;
}

int
main(int argc, char **argv)
{
	struct wish wish = {
		.url = "",
		.bearer = "",
		.model = "gpt-5-mini",
		.dialect = "chat",
		.body = "",
		.body_bytes = 2048,
		.streams = 400,
		.seconds = 5,
		.count = 2000,
		.warmup = 200,
	};
	const struct mode *mode = argc > 1 ? find_mode(argv[1]) : NULL;
	struct target target;
	int status;

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		help(stdout);
		return 0;
	}
	wish.words = mode ? mode->words : "";
	if (!mode || !parse_settings(&wish, argc, argv)) {
		help(stderr);
		return 2;
	}
	wish.stream = mode->run == stream_run;
	if (!target_init(&target, &wish)) {
		fprintf(stderr,
		    "sim-load: no such URL, dialect or body: %s %s %s\n",
		    wish.url, wish.dialect, wish.body);
		target_fini(&target);
		return 2;
	}
	status = mode->run(&target, &wish);
	target_fini(&target);
	return status;
}
