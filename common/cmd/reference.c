#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/stat.h"
#include "common/cmd/shared.h"
#include "common/export/cause.h"
#include "common/invoice/residual.h"
#include "common/llm/exclusion.h"
#include "common/llm/failure.h"
#include "common/report/comparison.h"
#include "common/report/statement.h"
#include "common/store/row.h"

#define OUT_MAX (256 * 1024)

static void
put_failures(struct buf *out)
{
	enum fail f;

	buf_puts(out,
	    "\n## errors\n\n| X-Router-Error | status | again? | text |\n"
	    "|---|---|---|---|\n");
	for (f = FAIL_NONE + 1; f < FAIL_COUNT; f++)
		buf_printf(out, "| `%s` | %d | %s | %s |\n", fail_name(f),
		    fail_status(f, DIALECT_CHAT),
		    fail_retryable(f) ? "yes" : "no", fail_text(f));
}

/* The kinds of common/limit/backoff.h, as people write them. */
static const char *
backoff_of(enum failure f)
{
	static const char *const kinds[FAILURES] = {
#define FAILURE(id, text, again, other, backoff, signals)                      \
	[FAILURE_##id] = #backoff,
#include "common/llm/failure.def"
#undef FAILURE
	};

	return kinds[f];
}

static void
put_classes(struct buf *out)
{
	static const char *const others[] = {
		[OTHER_NO] = "no",
		[OTHER_YES] = "yes",
		[OTHER_LARGER] = "with a larger context",
	};
	enum failure f;
	const char *at;

	buf_puts(out, "\n## classes of failures\n\n"
		      "| class | signals | same target again | other target | "
		      "backoff |\n|---|---|---|---|---|\n");
	for (f = FAILURE_NONE + 1; f < FAILURES; f++) {
		buf_printf(out, "| `%s` | %s | %s | %s | ", failure_name(f),
		    failure_signals(f), failure_again(f) ? "once" : "no",
		    others[failure_other(f)]);
		for (at = backoff_of(f); *at != '\0'; at++)
			buf_putc(out, (char)(*at | 0x20));
		buf_puts(out, " |\n");
	}
}

static void
put_exclusions(struct buf *out)
{
	enum exclusion e;

	buf_puts(out, "\n## why a target is not tried\n\n| reason | passes by "
		      "itself? | meaning |\n|---|---|---|\n");
	for (e = EXCLUSION_NONE + 1; e < EXCLUSIONS; e++)
		buf_printf(out, "| `%s` | %s | %s |\n", exclusion_name(e),
		    exclusion_is_for_now(e) ? "yes" : "no",
		    exclusion_meaning(e));
}

static void
put_counters(struct buf *out)
{
	enum stat s;

	buf_puts(out, "\n## counters\n\n| counter | meaning |\n|---|---|\n");
	for (s = 0; s < STAT_COUNT; s++)
		buf_printf(out, "| `%s` | %s |\n", stat_name(s), stat_help(s));
}

static int
run(const void *options, int count, char *const *operands)
{
	struct buf out;

	(void)options;
	(void)count;
	(void)operands;
	buf_init(&out, OUT_MAX);
	row_docs(&out);
	retention_docs(&out);
	statement_docs(&out);
	comparison_docs(&out);
	put_failures(&out);
	put_classes(&out);
	put_exclusions(&out);
	put_counters(&out);
	cause_docs(&out);
	residual_docs(&out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	return 0;
}

const struct command cmd_reference = {
	.name = "reference",
	.summary = "explain rows, errors and counters, as Markdown",
	.text = "Every column of every row, every retention class, every error "
		"name with its status, "
		"every class of a\nprovider's failure with what is done next, "
		"every reason for which a target is\nnot tried, every "
		"counter, from the tables that the program itself uses.",
	.run = run,
};
