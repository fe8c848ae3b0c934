/*
 * sim: the scripted provider.  Speaks OpenAI Chat Completions and Responses
 * and Anthropic Messages over HTTP/1.1 on 127.0.0.1 and does with each call
 * what a test told it to.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/refusal.h"
#include "tests/sim/server.h"

struct options {
	uint16_t port;
	const char *port_file, *log;
	bool record;
};

static const struct option long_options[] = {
	{ "port", required_argument, NULL, 'p' },
	{ "port-file", required_argument, NULL, 'f' },
	{ "log", required_argument, NULL, 'l' },
	{ "no-record", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void
help(FILE *to)
{
	fputs("usage: sim [--port N] [--port-file F] [--log F] [--no-record]\n"
	      "\n"
	      "The scripted provider, on 127.0.0.1: POST "
	      ".../chat/completions,\n"
	      ".../responses, .../messages, .../messages/count_tokens.\n"
	      "Prints {\"port\":N} when ready; port 0 (the default) is any.\n"
	      "  --port-file F  write the port to F too\n"
	      "  --log F        append each call to F, a JSON line at arrival\n"
	      "  --no-record    keep nothing of a call but the count\n"
	      "\n"
	      "Control: POST /sim/script (words), POST /sim/reset,\n"
	      "POST /sim/answers?type=T&split=N&for_path=SUFFIX&WORD=VALUE\n"
	      "(a whole body to answer the next call with),\n"
	      "GET /sim/count, /sim/calls, /sim/calls/last|N/body|headers.\n"
	      "A call's own words: \"[[sim status=429 retry_after=3]]\"\n"
	      "anywhere in its body.\n"
	      "\n"
	      "Words:\n",
	    to);
	script_help(to);
	fputs("\nError bodies, for OpenAI's APIs and Anthropic's:\n", to);
	refusal_help(to);
}

static bool
parse_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	*port = (uint16_t)n;
	return end != text && !*end && n <= UINT16_MAX;
}

/* An exit status, or -1 to go on. */
static int
parse_options(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (c == 'h') {
			help(stdout);
			return 0;
		}
		if (c == 'p' && !parse_port(optarg, &o->port))
			c = '?';
		if (c == 'f')
			o->port_file = optarg;
		if (c == 'l')
			o->log = optarg;
		if (c == 'q')
			o->record = false;
		if (c == '?')
			break;
	}
	if (c == -1 && optind == argc)
		return -1;
	help(stderr);
	return 2;
}

static bool
tell_port(const struct options *o, uint16_t port)
{
	FILE *f = NULL;

	if (o->port_file) {
		f = fopen(o->port_file, "we");
		if (!f)
			return false;
		fprintf(f, "%u\n", port);
		if (fclose(f))
			return false;
	}
	printf("{\"port\":%u}\n", port);
	return !fflush(stdout);
}

int
main(int argc, char **argv)
{
	struct server server = { 0 };
	struct options o = { .record = true };
	int status = parse_options(&o, argc, argv);

	if (status >= 0)
		return status;
	if (!record_init(&server.record, o.record, o.log) ||
	    !server_open(&server, o.port) || !tell_port(&o, server.port)) {
		fprintf(stderr, "sim: cannot start: %s\n", strerror(errno));
		return 1;
	}
	server_run(&server);
	server_close(&server);
	return 0;
}
