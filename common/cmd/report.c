#include <stdio.h>

#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/report/question.h"
#include "common/report/statement.h"
#include "common/store/ledger.h"

#define TARGET_MAX 8192
#define OUT_MAX    (64 * 1024 * 1024)

struct options {
	const char *state, *from, *to, *month, *by, *where, *of, *source,
	    *baseline, *fixed, *routed, *format;
	bool json;
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
report(const struct options *o, enum row_kind kind)
{
	const char *name = o->json ? "json" : o->format;
	enum statement_format format =
	    name != NULL ? statement_format(slice_of(name)) : STATEMENT_TEXT;
	enum asked asked;

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
	"come from roll-ups,\nwhich change in the same write as their row; "   \
	"--source rows adds the rows up again.\n\n"                            \
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
	"  gsr-egress report --state DIR --month 2026-11 --by cost_center\n",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_attempts,
};
