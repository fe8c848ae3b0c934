#include "common/cmd/pager.h"
#include "common/cmd/watch.h"

struct options {
	const char *state, *caller, *user, *project, *team, *origin, *group,
	    *target, *egress, *dialect, *status, *fail, *slow, *ended;
	PAGER_MEMBERS;
};

#define FILTER(name, value, help)                                              \
	PAGER_TEXT(struct options, name, #name, value, help)

#define SHARED_FILTERS                                                         \
	FILTER(user, "NAME", "only of this user"),                             \
	    FILTER(project, "NAME", "only of this project"),                   \
	    FILTER(group, "NAME", "only of this model group"),                 \
	    FILTER(target, "NAME", "only of this provider/model"),             \
	    FILTER(dialect, "NAME", "only chat, responses or messages"),       \
	    FILTER(status, "CODE",                                             \
		"only with this HTTP status; 5xx: all of that kind"),          \
	    FILTER(fail, "NAME",                                               \
		"only with this error name; any: all that failed"),            \
	    FILTER(slow, "SPAN", "only what took at least 500ms, 5s, 2m"),     \
	    FILTER(ended, "HOW",                                               \
		"only settled, interrupted or resettled ones"),                \
	    PAGER_OPTIONS(struct options)

static const struct option_spec request_specs[] = {
	STATE_OPTION(struct options),
	FILTER(caller, "NAME", "only of this token"),
	FILTER(egress, "NAME", "only through this egress"),
	SHARED_FILTERS,
};

static const struct option_spec attempt_specs[] = {
	STATE_OPTION(struct options),
	FILTER(origin, "NAME", "only of this node"),
	FILTER(team, "NAME", "only of this team"),
	FILTER(caller, "NAME", "only of this caller, by its pseudonym"),
	SHARED_FILTERS,
};

static int
get(const struct options *o, enum row_kind kind)
{
	const struct pager pager = {
		.state = o->state,
		.path = "/admin/requests",
		.kind = kind,
		.words = { { "caller", o->caller }, { "user", o->user },
		    { "project", o->project }, { "team", o->team },
		    { "origin", o->origin }, { "group", o->group },
		    { "target", o->target }, { "egress", o->egress },
		    { "dialect", o->dialect }, { "status", o->status },
		    { "fail", o->fail }, { "slow", o->slow },
		    { "state", o->ended }, PAGER_WORDS(o) },
		.limit = o->limit,
		.format = o->format,
		.json = o->json,
		.watch = o->watch,
	};

	return pager_run(&pager);
}

static int
run_requests(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return get(options, ROW_REQUEST);
}

static int
run_attempts(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return get(options, ROW_ATTEMPT);
}

#define PAGES                                                                  \
	"Asks the running daemon, or reads the store when none runs, "         \
	"page by page:\n--limit all may be any number of rows.  Times are "    \
	"those of the request's id:\nwhen the node had read its head.  Of "    \
	"what is written meanwhile no row comes twice.\n\n"

const struct command cmd_get_requests = {
	.name = "get requests",
	.summary = "the newest requests: who, which target, tokens, cost",
	.text = PAGES
	"Example:  gsr-node get requests --fail any --since 2h --state "
	"/var/lib/gsr\n"
	"          gsr-node get requests --group coding --slow 5s --watch "
	"--state /var/lib/gsr\n"
	"          gsr-node get requests --from 2026-11-01 --to "
	"2026-12-01 --limit all \\\n"
	"            --format csv --state /var/lib/gsr > november.csv",
	.options = request_specs,
	.options_count = count_of(request_specs),
	.options_bytes = sizeof(struct options),
	.run = run_requests,
};

const struct command cmd_get_attempts = {
	.name = "get requests",
	.summary = "the newest provider calls: for whom, tokens, cost",
	.text = PAGES
	"Example:  gsr-egress get requests --team payments --status 5xx "
	"--state /var/lib/gsr\n"
	"          gsr-egress get requests --since 1d --limit all "
	"--format jsonl \\\n            --state /var/lib/gsr",
	.options = attempt_specs,
	.options_count = count_of(attempt_specs),
	.options_bytes = sizeof(struct options),
	.run = run_attempts,
};

static const struct option_spec counter_specs[] = { WATCH_STATE, WATCH_END };

static const struct watch_view counters = { "/admin/counters",
	"what was counted", { NULL }, NULL };

const struct command cmd_get_counters = {
	.name = "get counters",
	.summary = "what the running daemon has counted since it started",
	.text = "One line a counter, with what it counts.",
	WATCH_COMMAND(counter_specs, counters),
};

static const struct option_spec metric_specs[] = { WATCH_STATE };

static const struct watch_view metrics = { "/metrics", "what metrics say",
	{ NULL }, NULL };

const struct command cmd_get_metrics = {
	.name = "get metrics",
	.summary = "counters and gauges of the running daemon, for Prometheus",
	.text =
	    "What GET /metrics on the control socket answers: counters, and "
	    "on a node\ngauges of each target.\n\n"
	    "Example:  get metrics --state /var/lib/gsr",
	WATCH_COMMAND(metric_specs, metrics),
};
