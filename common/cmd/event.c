#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/member/journal.h"

#define TARGET_MAX 2048
#define OUT_MAX    ((size_t)64 * 1024 * 1024)

struct options {
	const char *state, *target;
	int64_t limit;
	bool json;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "limit", "N", OPTION_INT, offsetof(struct options, limit), false, 1,
	    JOURNAL_SEARCH_MAX, "newest events to show; 20" },
	{ "target", "NAME", OPTION_TEXT, offsetof(struct options, target),
	    false, 0, 0, "only of this provider/model" },
	JSON_OPTION(struct options),
};

/* Without a daemon: the store itself. */
static int
read_store(const struct options *o)
{
	const struct journal_filter filter = { slice_of(o->target),
		(size_t)o->limit };
	struct ledger *l = ask_store(o->state);
	struct buf out;

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
	    "what happened to targets and to shaped requests, newest first",
	.text = "Targets that began to back off or recovered, those that "
		"operators disabled and\nenabled, with their reason, requests "
		"that waited for their turn or were refused\nit, and sums that "
		"were exceeded.  Asks the running daemon, or reads the store "
		"when\nnone runs.\n\n"
		"Example:  gsr-node get events --target openai/gpt-5 --state "
		"/var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
