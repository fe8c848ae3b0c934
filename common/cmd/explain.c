#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/store/view.h"

#define TARGET_MAX 256
#define OUT_MAX    (4 * 1024 * 1024)

struct options {
	struct explain_options explain;
};

static const struct option_spec specs[] = {
	EXPLAIN_OPTIONS(struct options, explain),
};

static int
read_store(const struct explain_options *o, struct slice text)
{
	struct ledger *l = ask_store(o->state);
	struct buf out;
	struct id id;
	bool known;

	if (l == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	if (slice_starts(text, "req_"))
		text = slice_after(text, 4);
	known = o->last ? view_last(l, &id) : id_parse(&id, text);
	known = known &&
		view_explain(l, &id, o->json ? OUTPUT_JSON : OUTPUT_TEXT, &out);
	if (known)
		fwrite(out.data, 1, out.len, stdout);
	else
		fprintf(stderr, "no request by that id here\n");
	buf_fini(&out);
	ledger_close(l);
	return known ? 0 : 1;
}

int
explain_run(const struct explain_options *o, int count, char *const *operands)
{
	const char *id = count > 0 ? operands[0] : "last";
	struct buf target;
	enum asked asked;

	if ((count > 0) == o->last) {
		fprintf(stderr, "name a request (req_…) or say --last\n");
		return 2;
	}
	buf_init(&target, TARGET_MAX);
	buf_printf(&target, "/admin/explain/%.64s", id);
	ask_argument(&target, "format", o->json ? "json" : NULL);
	asked =
	    ask_daemon(o->state, "GET", buf_text(&target), slice_make(NULL, 0));
	buf_fini(&target);
	if (asked == ASKED_NOBODY)
		return read_store(o, slice_of(id));
	return asked == ASKED_OK ? 0 : 1;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	return explain_run(&o->explain, count, operands);
}

const struct command cmd_explain = {
	.name = "explain",
	.operands = "[ID]",
	.summary = "all that is known of one request: row, attempts, receipts",
	.text = "The id is what callers see in X-Request-Id (req_…).\n\n"
		"Example:  explain --last --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 0,
	.operands_max = 1,
	.run = run,
};
