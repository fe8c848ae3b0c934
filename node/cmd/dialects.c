#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/llm/drop.h"
#include "common/llm/fail.h"
#include "common/llm/ownership.h"
#include "node/cmd/commands.h"
#include "node/dialect/target.h"

#define OUT_MAX (256 * 1024)

/* What a target without any quirk, whose model does not reason, cannot. */
static void
fill_beyond(struct carry_list beyond[DIALECTS])
{
	const struct target_terms least = { .quirks = 0 };
	const struct turn nothing = { .arena = NULL };
	unsigned d;

	for (d = 0; d < DIALECTS; d++) {
		beyond[d] = (struct carry_list){ .unknown_count = 0 };
		target_limits(&beyond[d], (enum dialect)d, &nothing, &least);
	}
}

static void
put_carried(struct buf *out)
{
	struct carry_list beyond[DIALECTS];
	size_t i;

	fill_beyond(beyond);
	buf_puts(out, "## What a target can be told\n\n");
	carry_print(out, beyond);
	buf_puts(out, "\n## What only some targets can be told\n\n");
	target_print_limits(out);
	buf_puts(out, "\n## What a group's `drop` lets go\n\n"
		      "| class | of a request |\n|---|---|\n");
	for (i = 0; drop_name(i) != NULL; i++) {
		buf_printf(out, "| `%s` | ", drop_name(i));
		carry_print_class(out, 1u << i, beyond);
		buf_puts(out, " |\n");
	}
}

static void
put_dialects(struct buf *out, unsigned dialects)
{
	const char *comma = "";
	unsigned d;

	for (d = 0; d < DIALECTS; d++) {
		if ((dialects & (1u << d)) == 0)
			continue;
		buf_printf(out, "%s%s", comma, dialect_name((enum dialect)d));
		comma = ", ";
	}
}

/* Keys with one fate share a line. */
static bool
share_fate(const struct ownership *a, const struct ownership *b)
{
	return a->becomes == b->becomes && a->leave == b->leave &&
	       a->dialects == b->dialects && strcmp(a->cure, b->cure) == 0;
}

static void
put_fate(struct buf *out, const struct ownership *row)
{
	buf_puts(out, " | ");
	put_dialects(out, row->dialects);
	buf_printf(out, " | %s", row->becomes);
	if (row->leave != 0)
		buf_printf(out, " `%s`",
		    allow_name((size_t)__builtin_ctz(row->leave)));
	if (row->cure[0] != '\0')
		buf_printf(out, ": %s", row->cure);
	buf_puts(out, " |\n");
}

static void
put_owned(struct buf *out)
{
	struct ownership row, next;
	bool more = ownership_at(&row, 0), shares = false;
	size_t i;

	buf_puts(out, "\n## Keys that the router owns\n\n"
		      "| key | in | what becomes of it |\n|---|---|---|\n");
	for (i = 1; more; i++) {
		buf_printf(out, shares ? ", `%s`" : "| `%s`", row.key);
		more = ownership_at(&next, i);
		shares = more && share_fate(&row, &next);
		if (!shares)
			put_fate(out, &row);
		row = next;
	}
}

static void
put_errors(struct buf *out)
{
	enum fail f;

	buf_puts(out, "\n## Errors in the caller's words\n\n"
		      "| X-Router-Error | chat, responses | `type` | `code` | "
		      "messages | `type` |\n|---|---|---|---|---|---|\n");
	for (f = FAIL_NONE + 1; f < FAIL_COUNT; f++) {
		if (f == FAIL_CLIENT_GONE)
			continue; /* there is nobody to tell */
		buf_printf(out, "| `%s` | %d | %s | %s | %d | %s |\n",
		    fail_name(f), fail_status(f, DIALECT_CHAT),
		    fail_type(f, DIALECT_CHAT),
		    fail_code(f)[0] != '\0' ? fail_code(f) : "null",
		    fail_status(f, DIALECT_MESSAGES),
		    fail_type(f, DIALECT_MESSAGES));
	}
}

static int
run(const void *options, int count, char *const *operands)
{
	struct buf out;

	(void)options;
	(void)count;
	(void)operands;
	buf_init(&out, OUT_MAX);
	put_carried(&out);
	put_owned(&out);
	put_errors(&out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	return 0;
}

const struct command cmd_reference_dialects = {
	.name = "reference dialects",
	.summary = "explain what crosses from one API to another, as Markdown",
	.text = "What each dialect can be told, what a group's `drop` lets go, "
		"which keys are the\nrouter's, every error in each dialect's "
		"words; from the tables that the program\nitself uses.",
	.run = run,
};
