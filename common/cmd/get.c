#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/store/view.h"

#define TARGET_MAX 2048
#define OUT_MAX    (64 * 1024 * 1024)

struct options {
	const char *state, *caller, *group, *target, *fail;
	int64_t status, limit;
	bool json;
};

#define FILTER(name, help)                                                     \
	{                                                                      \
#name, "NAME", OPTION_TEXT, offsetof(struct options, name),    \
		    false, 0, 0, help                                          \
	}

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "limit", "N", OPTION_INT, offsetof(struct options, limit), false, 1,
	    100000, "newest rows to show; 20" },
	FILTER(caller, "only of this token"),
	FILTER(group, "only of this model group"),
	FILTER(target, "only of this provider/model"),
	FILTER(fail, "only with this error name; 'any': all that failed"),
	{ "status", "CODE", OPTION_INT, offsetof(struct options, status), false,
	    100, 599, "only with this HTTP status" },
	JSON_OPTION(struct options),
};

static struct slice
text_or_empty(const char *text)
{
	return text != NULL ? slice_of(text) : slice_make(NULL, 0);
}

/* Without a daemon: the same view of the store itself. */
static int
read_store(const struct options *o, bool attempts)
{
	const struct view_filter filter = {
		.caller = text_or_empty(o->caller),
		.group = text_or_empty(o->group),
		.target = text_or_empty(o->target),
		.fail = text_or_empty(o->fail),
		.status = o->status,
		.limit = (size_t)o->limit,
	};
	enum output_format format = o->json ? OUTPUT_JSON : OUTPUT_TEXT;
	struct ledger *l = ask_store(o->state);
	struct buf out;

	if (l == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	if (attempts)
		view_attempts(l, &filter, format, &out);
	else
		view_requests(l, &filter, format, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	ledger_close(l);
	return 0;
}

static int
get(const struct options *o, bool attempts)
{
	char number[24];
	struct buf target;
	enum asked asked;

	buf_init(&target, TARGET_MAX);
	buf_puts(&target, "/admin/requests");
	ask_argument(&target, "caller", o->caller);
	ask_argument(&target, "group", o->group);
	ask_argument(&target, "target", o->target);
	ask_argument(&target, "fail", o->fail);
	snprintf(number, sizeof(number), "%lld", (long long)o->status);
	ask_argument(&target, "status", o->status > 0 ? number : NULL);
	snprintf(number, sizeof(number), "%lld", (long long)o->limit);
	ask_argument(&target, "limit", o->limit > 0 ? number : NULL);
	ask_argument(&target, "format", o->json ? "json" : NULL);
	asked =
	    ask_daemon(o->state, "GET", buf_text(&target), slice_make(NULL, 0));
	buf_fini(&target);
	if (asked == ASKED_NOBODY)
		return read_store(o, attempts);
	return asked == ASKED_OK ? 0 : 1;
}

static int
run_requests(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return get(options, false);
}

static int
run_attempts(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return get(options, true);
}

/* What only a running daemon has. */
static int
ask_running(const struct options *o, const char *path, const char *what)
{
	enum asked asked =
	    ask_daemon(o->state, "GET", path, slice_make(NULL, 0));

	if (asked == ASKED_NOBODY)
		fprintf(stderr,
		    "no daemon runs on %s; %s are of a running one\n", o->state,
		    what);
	return asked == ASKED_OK ? 0 : 1;
}

static int
run_counters(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	(void)count;
	(void)operands;
	return ask_running(o,
	    o->json ? "/admin/counters?format=json" : "/admin/counters",
	    "counters");
}

static int
run_metrics(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return ask_running(options, "/metrics", "metrics");
}

const struct command cmd_get_requests = {
	.name = "get requests",
	.summary = "the newest requests: who, which target, tokens, cost",
	.text =
	    "Asks the running daemon, or reads the store when none runs.\n\n"
	    "Example:  gsr-node get requests --state /var/lib/gsr --fail any",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_requests,
};

const struct command cmd_get_attempts = {
	.name = "get requests",
	.summary = "the newest provider calls: for whom, tokens, cost",
	.text =
	    "Asks the running daemon, or reads the store when none runs.\n\n"
	    "Example:  gsr-egress get requests --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_attempts,
};

static const struct option_spec counter_specs[] = {
	STATE_OPTION(struct options),
	JSON_OPTION(struct options),
};

const struct command cmd_get_counters = {
	.name = "get counters",
	.summary = "what the running daemon has counted since it started",
	.text = "One line a counter, with what it counts.",
	.options = counter_specs,
	.options_count = count_of(counter_specs),
	.options_bytes = sizeof(struct options),
	.run = run_counters,
};

static const struct option_spec metric_specs[] = {
	STATE_OPTION(struct options),
};

const struct command cmd_get_metrics = {
	.name = "get metrics",
	.summary = "counters and gauges of the running daemon, for Prometheus",
	.text =
	    "What GET /metrics on the control socket answers: counters, and "
	    "on a node\ngauges of each target.\n\n"
	    "Example:  get metrics --state /var/lib/gsr",
	.options = metric_specs,
	.options_count = count_of(metric_specs),
	.options_bytes = sizeof(struct options),
	.run = run_metrics,
};
