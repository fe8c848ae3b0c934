#include <stdio.h>

#include "common/cmd/pager.h"
#include "common/cmd/shared.h"
#include "common/cmd/watch.h"

struct options {
	const char *state, *target, *kind, *request, *caller, *group, *bucket,
	    *outcome, *by;
	PAGER_MEMBERS;
};

#define FILTER(name, value, help)                                              \
	PAGER_TEXT(struct options, name, #name, value, help)

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	FILTER(kind, "NAME", "only of this kind, as traffic-shaped"),
	FILTER(target, "NAME", "only of this provider/model"),
	FILTER(request, "ID", "only of this request"),
	FILTER(caller, "NAME", "only of this token"),
	FILTER(group, "NAME", "only of this model group"),
	FILTER(bucket, "TEXT", "only of this limit, as the row has it"),
	FILTER(outcome, "NAME", "only so: queued, refused or gone"),
	FILTER(by, "WHO", "only of who did it: router, time, an operator"),
	PAGER_OPTIONS(struct options),
};

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const struct pager pager = {
		.state = o->state,
		.path = "/admin/events",
		.kind = ROW_EVENT,
		.words = { { "kind", o->kind }, { "target", o->target },
		    { "request", o->request }, { "caller", o->caller },
		    { "group", o->group }, { "bucket", o->bucket },
		    { "outcome", o->outcome }, { "by", o->by },
		    PAGER_WORDS(o) },
		.limit = o->limit,
		.format = o->format,
		.json = o->json,
		.watch = o->watch,
	};

	(void)count;
	(void)operands;
	return pager_run(&pager);
}

const struct command cmd_get_events = {
	.name = "get events",
	.summary =
	    "what happened to targets, and what held requests up, newest "
	    "first",
	.text =
	    "Targets that began to back off or recovered, at an egress also "
	    "whole accounts, and\nthose that operators disabled and enabled, "
	    "with their reason; requests "
	    "that waited for smoothing or were refused by it\n"
	    "(traffic-shaped, upstream-shaped), and those that came to more "
	    "than was held of\ntheir budgets for them (overdraft).  Asks "
	    "the running daemon, or reads the store when\nnone runs.\n\n"
	    "Example:  gsr-node get events --kind traffic-shaped --state "
	    "/var/lib/gsr\n"
	    "          gsr-node get events --target openai/gpt-5 --since 7d "
	    "--limit all \\\n            --format csv --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
