#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/member/journal.h"

#define TARGET_MAX 2048
#define OUT_MAX    ((size_t)64 * 1024 * 1024)

struct options {
	const char *state, *target, *kind, *request;
	int64_t limit;
	bool json;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "limit", "N", OPTION_INT, offsetof(struct options, limit), false, 1,
	    JOURNAL_SEARCH_MAX, "newest events to show; 20" },
	{ "target", "NAME", OPTION_TEXT, offsetof(struct options, target),
	    false, 0, 0, "only of this provider/model" },
	{ "kind", "NAME", OPTION_TEXT, offsetof(struct options, kind), false, 0,
	    0, "only of this kind, as traffic-shaped" },
	{ "request", "ID", OPTION_TEXT, offsetof(struct options, request),
	    false, 0, 0, "only of this request" },
	JSON_OPTION(struct options),
};

static struct slice
text_or_empty(const char *text)
{
	return slice_of(text != NULL ? text : "");
}

/* Without a daemon: the store itself. */
static int
read_store(const struct options *o)
{
	struct journal_filter filter = {
		.target = text_or_empty(o->target),
		.kind = text_or_empty(o->kind),
		.limit = (size_t)o->limit,
	};
	struct ledger *l;
	struct buf out;

	if (o->request != NULL &&
	    !journal_request(slice_of(o->request), &filter.request)) {
		fprintf(stderr, JOURNAL_REQUEST_WANTED "\n");
		return 2;
	}
	l = ask_store(o->state);
	if (l == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	journal_list(l, &filter, o->json ? OUTPUT_JSON : OUTPUT_TEXT, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	ledger_close(l);
	return 0;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	char number[24];
	struct buf path;
	enum asked asked;

	(void)count;
	(void)operands;
	buf_init(&path, TARGET_MAX);
	buf_puts(&path, "/admin/events");
	snprintf(number, sizeof(number), "%lld", (long long)o->limit);
	ask_argument(&path, "limit", o->limit > 0 ? number : NULL);
	ask_argument(&path, "target", o->target);
	ask_argument(&path, "kind", o->kind);
	ask_argument(&path, "request", o->request);
	ask_argument(&path, "format", o->json ? "json" : NULL);
	asked =
	    ask_daemon(o->state, "GET", buf_text(&path), slice_make(NULL, 0));
	buf_fini(&path);
	if (asked == ASKED_NOBODY)
		return read_store(o);
	return asked == ASKED_OK ? 0 : 1;
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
	    "/var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
