#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/watch.h"
#include "common/member/price_sheet.h"
#include "common/store/ledger.h"

#define OUT_MAX ((size_t)64 * 1024 * 1024)

struct options {
	const char *state, *book, *target, *team;
	bool books, json;
};

/* Without a daemon: what is kept; what is current is the daemon's. */
static int
read_store(const void *options)
{
	const struct options *o = options;
	const struct price_sheet_wish wish = {
		.book = slice_of(o->book),
		.target = slice_of(o->target),
		.books = o->books,
		.format = o->json ? OUTPUT_JSON : OUTPUT_TEXT,
	};
	struct ledger *l;
	struct buf out;
	bool found;

	if (o->book == NULL && !o->books) {
		fprintf(stderr,
		    "no daemon runs on %s; current prices are of a running "
		    "one. --book HASH shows those of rows, --books lists the "
		    "books\n",
		    o->state);
		return 1;
	}
	l = ask_store(o->state);
	if (l == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	found = price_sheet_kept(l, &wish, &out);
	fwrite(out.data, 1, out.len, found ? stdout : stderr);
	buf_fini(&out);
	ledger_close(l);
	return found ? 0 : 1;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const struct watch_ask ask = { .state = o->state,
		.path = "/admin/prices",
		.arguments = { { "book", o->book }, { "target", o->target },
		    { "team", o->team }, { "books", o->books ? "yes" : NULL } },
		.json = o->json,
		.without = read_store,
		.arg = o };

	(void)count;
	(void)operands;
	return watch_daemon(&ask);
}

#define PRICE_OPTIONS                                                          \
	STATE_OPTION(struct options),                                          \
	    { "book", "HASH", OPTION_TEXT, offsetof(struct options, book),     \
		    false, 0, 0,                                               \
		    "the book that a row names, also an old one; else the "    \
		    "current prices" },                                        \
	    { "target", "NAME", OPTION_TEXT, offsetof(struct options, target), \
		    false, 0, 0, "only of this provider/model" },              \
	    { "books", NULL, OPTION_FLAG, offsetof(struct options, books),     \
		    false, 0, 0, "the names of all books that are kept" },     \
	    JSON_OPTION(struct options)

#define PRICE_TEXT                                                             \
	"USD per million tokens, and for each request and web search; with "   \
	"--json, integers of\na millionth of it.  Discounts are off.  A line " \
	"with a number under `above` has the\nprices of requests with more "   \
	"input tokens than that.\n\n"

static const struct option_spec node_specs[] = { PRICE_OPTIONS };

const struct command cmd_get_node_prices = {
	.name = "get prices",
	.summary = "what each target costs now, or did when a row was written",
	.text = PRICE_TEXT
	"Those of the node's own upstreams, and those that each egress "
	"sent.\n\n"
	"Example:  gsr-node get prices --target openai/gpt-5-mini "
	"--state /var/lib/gsr",
	.options = node_specs,
	.options_count = count_of(node_specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};

static const struct option_spec egress_specs[] = {
	PRICE_OPTIONS,
	{ "team", "NAME", OPTION_TEXT, offsetof(struct options, team), false, 0,
	    0, "only what this team is offered" },
};

const struct command cmd_get_egress_prices = {
	.name = "get prices",
	.summary = "what each target costs now, or did when a row was written",
	.text = PRICE_TEXT
	"A team's book has what the team is offered; teams that are "
	"offered the same have\nthe same book.\n\n"
	"Example:  gsr-egress get prices --team payments --state "
	"/var/lib/gsr",
	.options = egress_specs,
	.options_count = count_of(egress_specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
