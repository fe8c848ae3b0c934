#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/cmd/watch.h"
#include "common/format/json.h"
#include "common/format/moment.h"
#include "node/cmd/commands.h"

#define BODY_MAX 8192

struct options {
	const char *state, *span, *why;
	bool all;
};

static const struct option_spec list_specs[] = { WATCH_STATE, WATCH_END };

static const struct watch_view list_view = { "/admin/targets",
	"how targets stand", { NULL }, NULL };

static const struct option_spec disable_specs[] = {
	STATE_OPTION(struct options),
	{ "for", "TIME", OPTION_TEXT, offsetof(struct options, span), false, 0,
	    0,
	    "it comes back by itself after that long: 15m, 2h; default: "
	    "never" },
	{ "why", "TEXT", OPTION_TEXT, offsetof(struct options, why), false, 0,
	    0, "kept with the event" },
};

static const struct option_spec enable_specs[] = {
	STATE_OPTION(struct options),
	{ "all", NULL, OPTION_FLAG, offsetof(struct options, all), false, 0, 0,
	    "every target that is disabled or backing off" },
	{ "why", "TEXT", OPTION_TEXT, offsetof(struct options, why), false, 0,
	    0, "kept with the event" },
};

static int
ask(const struct options *o, const char *method, const char *path,
    struct slice body)
{
	enum asked asked = ask_daemon(o->state, method, path, body);

	if (asked == ASKED_NOBODY)
		fprintf(stderr,
		    "no daemon runs on %s; targets are of a running one\n",
		    o->state);
	return asked == ASKED_OK ? 0 : 1;
}

static int
tell(const struct options *o, const char *path, const char *target,
    int64_t for_us)
{
	struct json_writer w = { 0 };
	struct buf body;
	int status = 2;

	buf_init(&body, BODY_MAX);
	w.out = &body;
	json_open(&w, '{');
	if (target != NULL)
		json_field_text(&w, "target", slice_of(target));
	else
		json_field_bool(&w, "all", true);
	if (for_us > 0)
		json_field_int(&w, "for_ms", for_us / US_PER_MS);
	if (o->why != NULL)
		json_field_text(&w, "why", slice_of(o->why));
	json_close(&w, '}');
	if (body.failed)
		fprintf(stderr, "--why is too long\n");
	else
		status = ask(o, "POST", path, buf_slice(&body));
	buf_fini(&body);
	return status;
}

static int
run_disable(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	int64_t for_us = 0;

	(void)count;
	if (o->span != NULL && !span_read(slice_of(o->span), &for_us)) {
		fprintf(stderr, "--for is a number and s, m, h or d: 15m\n");
		return 2;
	}
	return tell(o, "/admin/targets/disable", operands[0], for_us);
}

static int
run_enable(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	if ((count > 0) == o->all) {
		fprintf(stderr, "name a target or say --all\n");
		return 2;
	}
	return tell(o, "/admin/targets/enable", o->all ? NULL : operands[0], 0);
}

const struct command cmd_get_targets = {
	.name = "get targets",
	.summary = "how each target stands: in use or not, speed, failures",
	.text = "Of the running node: what was seen in the last nine to ten "
		"minutes, by all\ncallers, and whether a target is left alone: "
		"backing off after a failure, or\ndisabled by an operator.\n\n"
		"Example:  gsr-node get targets --watch --state /var/lib/gsr",
	WATCH_COMMAND(list_specs, list_view),
};

const struct command cmd_targets_disable = {
	.name = "targets disable",
	.operands = "TARGET",
	.summary = "take a target out of use, now",
	.text =
	    "No request of any group is sent to it any more from the moment "
	    "this returns; calls\nunder way go on.  It stays so over a "
	    "restart, until its time is over or until\n`targets enable`.  "
	    "Kept as an event.\n\n"
	    "Example:  gsr-node targets disable openai/gpt-5 --for 2h \\\n"
	    "            --why 'their incident 4711' --state /var/lib/gsr",
	.options = disable_specs,
	.options_count = count_of(disable_specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_disable,
};

const struct command cmd_targets_enable = {
	.name = "targets enable",
	.operands = "[TARGET]",
	.summary = "bring a target back into use, also one that backs off",
	.text = "Its backoff is forgotten: the next request may try it.\n\n"
		"Example:  gsr-node targets enable --all --state "
		"/var/lib/gsr",
	.options = enable_specs,
	.options_count = count_of(enable_specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 0,
	.operands_max = 1,
	.run = run_enable,
};
