#include <stdio.h>

#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/monthly.h"
#include "common/cmd/shared.h"
#include "common/report/question.h"
#include "common/report/statement.h"
#include "common/store/ledger.h"

#define TARGET_MAX 8192
#define OUT_MAX    (64 * 1024 * 1024)

struct options {
	const char *state, *from, *to, *month, *by, *where, *of, *source,
	    *baseline, *fixed, *routed, *format, *topology;
	bool final, unvouched, json;
};

#define WORD(name, value, help)                                                \
	{                                                                      \
#name, value, OPTION_TEXT, offsetof(struct options, name),     \
		    false, 0, 0, help                                          \
	}

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	WORD(month, "MONTH", "a whole month: 2026-11; default: this one"),
	WORD(from, "TIME",
	    "from then on: 2026-11-01, 2026-11-01T12:00Z, 7d (seven days ago, "
	    "from midnight)"),
	WORD(to, "TIME", "until then; default: the end of this month"),
	WORD(by, "LIST",
	    "group by hour, day, month and dimensions: day,project,target"),
	WORD(where, "LIST",
	    "only of these: project:checkout,status:429; values of one "
	    "dimension are alternatives"),
	WORD(of, "KIND", "requests or attempts; a node's are requests"),
	WORD(source, "NAME",
	    "roll-ups, or rows: from the rows alone, to compare"),
	WORD(baseline, "TARGET",
	    "savings against provider/model, at the prices of each request's "
	    "own price book"),
	WORD(fixed, "LIST",
	    "a comparison: requests of one side, as where says them: "
	    "group:baseline"),
	WORD(routed, "LIST", "and those of the other: group:smart"),
	WORD(format, "NAME", "text, markdown, json or csv; text"),
	{ "final", NULL, OPTION_FLAG, offsetof(struct options, final), false, 0,
	    0, "close the month of --month: check it, sign what it came to" },
	{ "unvouched", NULL, OPTION_FLAG, offsetof(struct options, unvouched),
	    false, 0, 0,
	    "of --final: also when receipts are missing; they are counted" },
	WORD(topology, "DIR",
	    "of --final without a daemon: the folder with mesh.yaml"),
	JSON_OPTION(struct options),
};

static struct slice
text_or_empty(const char *text)
{
	return slice_of(text != NULL ? text : "");
}

static int
print_report(const struct report_query *q, struct ledger *l,
    enum statement_format format)
{
	enum report_result result;
	struct report *report;
	struct buf out;
	int status = 1;

	buf_init(&out, OUT_MAX);
	result = report_run(l, q, &report);
	if (result == REPORT_OK)
		statement_write(report, format, &out);
	report_free(report);
	if (result != REPORT_OK) {
		fprintf(stderr, "%s", question_failure(result));
	} else if (out.failed) {
		fprintf(stderr, "the report is too large; ask for less\n");
	} else {
		fwrite(out.data, 1, out.len, stdout);
		status = 0;
	}
	buf_fini(&out);
	return status;
}

/* Without a daemon: from the store itself. */
static int
read_store(const struct options *o, enum row_kind kind,
    enum statement_format format)
{
	const struct question question = {
		.window = { .from = text_or_empty(o->from),
		    .to = text_or_empty(o->to),
		    .month = text_or_empty(o->month) },
		.by = text_or_empty(o->by),
		.where = text_or_empty(o->where),
		.of = text_or_empty(o->of),
		.source = text_or_empty(o->source),
		.baseline = text_or_empty(o->baseline),
		.fixed = text_or_empty(o->fixed),
		.routed = text_or_empty(o->routed),
	};
	struct report_query q;
	struct ledger *l;
	struct buf why;
	int status;

	buf_init(&why, TARGET_MAX);
	if (!question_read(&q, &question, kind, clock_wall_us(), &why)) {
		fprintf(stderr, "%s", buf_text(&why));
		buf_fini(&why);
		return 2;
	}
	buf_fini(&why);
	l = ask_store(o->state);
	if (l == NULL)
		return 1;
	status = print_report(&q, l, format);
	ledger_close(l);
	return status;
}

static enum asked
ask(const struct options *o, const char *format)
{
	struct buf target;
	enum asked asked;

	buf_init(&target, TARGET_MAX);
	buf_puts(&target, "/admin/report");
	ask_argument(&target, "from", o->from);
	ask_argument(&target, "to", o->to);
	ask_argument(&target, "month", o->month);
	ask_argument(&target, "by", o->by);
	ask_argument(&target, "where", o->where);
	ask_argument(&target, "of", o->of);
	ask_argument(&target, "source", o->source);
	ask_argument(&target, "baseline", o->baseline);
	ask_argument(&target, "fixed", o->fixed);
	ask_argument(&target, "routed", o->routed);
	ask_argument(&target, "format", format);
	asked =
	    ask_daemon(o->state, "GET", buf_text(&target), slice_make(NULL, 0));
	buf_fini(&target);
	return asked;
}

static int
close_month(const struct options *o, enum row_kind kind)
{
	const struct monthly_options wish = {
		.state = o->state,
		.topology = o->topology,
		.month = o->month,
		.program = kind == ROW_REQUEST ? "gsr-node" : "gsr-egress",
		.unvouched = o->unvouched,
	};

	if (o->month == NULL || o->from != NULL || o->to != NULL ||
	    o->by != NULL || o->where != NULL || o->of != NULL ||
	    o->source != NULL || o->baseline != NULL || o->format != NULL) {
		fprintf(stderr,
		    "--final closes a whole month, and prints JSON: give "
		    "--month 2026-11, and neither a window nor dimensions, "
		    "filters or a format\n");
		return 2;
	}
	return monthly_close(&wish);
}

static int
report(const struct options *o, enum row_kind kind)
{
	const char *name = o->json ? "json" : o->format;
	enum statement_format format =
	    name != NULL ? statement_format(slice_of(name)) : STATEMENT_TEXT;
	enum asked asked;

	if (o->final)
		return close_month(o, kind);
	if (o->unvouched || o->topology != NULL) {
		fprintf(stderr, "--unvouched and --topology are of --final\n");
		return 2;
	}
	if (format == STATEMENT_FORMATS) {
		fprintf(stderr,
		    "--format is text, markdown, json or csv, not '%s'\n",
		    name);
		return 2;
	}
	asked = ask(o, name);
	if (asked == ASKED_NOBODY)
		return read_store(o, kind, format);
	return asked == ASKED_OK ? 0 : 1;
}

static int
run_requests(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return report(options, ROW_REQUEST);
}

static int
run_attempts(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return report(options, ROW_ATTEMPT);
}

#define TEXT                                                                   \
	"Asks the running daemon, or reads the store when none runs.  "        \
	"Figures "                                                             \
	"come from roll-ups,\nwhich have all that is in rows; "                \
	"--source rows adds the rows up again.\n\n"                            \
	"--final closes a month: when nothing of it is open or missing, "      \
	"every receipt\nverifies and roll-ups say what rows say, what it "     \
	"came "                                                                \
	"to is signed by the member\nand kept for good.  Else it is told "     \
	"what "                                                                \
	"is missing (exit status 1).  Asked again\nit prints the same bytes; " \
	"what changes afterwards is told by report --month.\n\n"               \
	"Dimensions: team, cost_center, origin, project, environment, user, "  \
	"caller, group,\nstrategy, target, provider, model, region, egress, "  \
	"dialect, operation, client,\nstatus, fail, price_book, tags, "        \
	"tag.KEY.\n\n"

const struct command cmd_report_requests = {
	.name = "report",
	.summary = "what requests came to: tokens, cost, errors, times",
	.text = TEXT
	"  gsr-node report --state DIR --by project,target\n"
	"  gsr-node report --state DIR --from 7d --by day --format csv\n"
	"  gsr-node report --state DIR --month 2026-11 --by tag.run "
	"--where project:checkout\n"
	"  gsr-node report --state DIR --month 2026-10 --final\n"
	"  gsr-node report --state DIR --from 7d --where operation:generate "
	"\\\n"
	"    --fixed group:baseline --routed group:smart\n\n"
	"--fixed and --routed hold the requests of two filters against each "
	"other: success,\ncost, tokens, times, fallbacks, errors and targets. "
	"The two sides are not paired:\nwhat differs comes of routing only "
	"where both had the same work.\n",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_requests,
};

const struct command cmd_report_attempts = {
	.name = "report",
	.summary = "what upstream calls came to: tokens, cost, errors, times",
	.text = TEXT
	"  gsr-egress report --state DIR --by team,provider\n"
	"  gsr-egress report --state DIR --from 7d --by day --format csv\n"
	"  gsr-egress report --state DIR --month 2026-11 --by cost_center\n"
	"  gsr-egress report --state DIR --month 2026-10 --final\n",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_attempts,
};
