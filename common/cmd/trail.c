#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/watch.h"
#include "common/format/json.h"
#include "common/member/identity.h"
#include "common/store/trail.h"

#define OUT_MAX ((size_t)64 * 1024 * 1024)
#define WHY_MAX (64 * 1024)

struct options {
	const char *state, *actor, *action, *what, *outcome;
	int64_t limit;
	bool json, watch;
};

#define FILTER(name, value, help)                                              \
	{                                                                      \
#name, value, OPTION_TEXT, offsetof(struct options, name),     \
		    false, 0, 0, help                                          \
	}

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "limit", "N", OPTION_INT, offsetof(struct options, limit), false, 1,
	    TRAIL_SEARCH_MAX, "newest rows to show; 20" },
	FILTER(actor, "NAME",
	    "only of this admin token, or 'operator (uid N)'"),
	FILTER(action, "TEXT",
	    "only with this in the action, as /admin/report"),
	FILTER(what, "TEXT", "only with this in what it was about"),
	FILTER(outcome, "WORD", "only done, failed or refused"),
	WATCH_OPTION(struct options),
	JSON_OPTION(struct options),
};

/* Without a daemon: the store itself. */
static int
read_store(const void *options)
{
	const struct options *o = options;
	const struct trail_filter filter = {
		.actor = slice_of(o->actor),
		.action = slice_of(o->action),
		.what = slice_of(o->what),
		.outcome = slice_of(o->outcome),
		.limit = (size_t)o->limit,
	};
	struct ledger *l = ask_store(o->state);
	struct buf out;

	if (l == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	trail_list(l, &filter, o->json ? OUTPUT_JSON : OUTPUT_TEXT, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	ledger_close(l);
	return 0;
}

static int
run_get(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	char number[24];
	const struct watch_ask ask = { .state = o->state,
		.path = "/admin/audit",
		.what = "what changes",
		.arguments = { { "limit", o->limit > 0 ? number : NULL },
		    { "actor", o->actor }, { "action", o->action },
		    { "what", o->what }, { "outcome", o->outcome } },
		.json = o->json,
		.watch = o->watch,
		.without = read_store,
		.arg = o };

	(void)count;
	(void)operands;
	snprintf(number, sizeof(number), "%lld", (long long)o->limit);
	return watch_daemon(&ask);
}

static void
print_finding(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

static void
print_report(const struct trail_report *r, bool json)
{
	const struct {
		const char *name;
		int64_t count;
		const char *meaning;
	} lines[] = {
		{ "checked", r->checked, "rows" },
		{ "good", r->good, "as written, and following the one before" },
		{ "changed", r->changed, "not as they were written" },
		{ "broken", r->broken, "not following the one before" },
		{ "missing", r->missing, "numbers that are not there" },
		{ "head", r->head, "number of the last row" },
	};
	char hash[2 * HASH_BYTES + 1];
	struct json_writer w = { 0 };
	struct buf out;
	size_t i;

	buf_init(&out, WHY_MAX);
	w.out = &out;
	hex_write(hash, r->head_hash.bytes, HASH_BYTES);
	if (json) {
		json_open(&w, '{');
		for (i = 0; i < count_of(lines); i++)
			json_field_int(&w, lines[i].name, lines[i].count);
		json_field_text(&w, "head_hash", slice_of(hash));
		json_key(&w, "head_good");
		json_put_bool(&w, r->head_good);
		json_close(&w, '}');
		buf_putc(&out, '\n');
	} else {
		for (i = 0; i < count_of(lines); i++)
			buf_printf(&out, "%-10s %10lld  %s\n", lines[i].name,
			    (long long)lines[i].count, lines[i].meaning);
		buf_printf(&out, "%-10s %s, %s\n", "head hash", hash,
		    r->head_good ? "signed by this member"
				 : "which does not fit");
	}
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
}

static int
verify(const struct options *o, const struct identity *member)
{
	struct trail_report report;
	struct ledger *l = ask_store(o->state);
	bool read;

	if (l == NULL)
		return 1;
	read = trail_verify(l, &member->public, print_finding, NULL, &report);
	ledger_close(l);
	if (!read) {
		fprintf(stderr, "the store could not be read to its end\n");
		return 1;
	}
	print_report(&report, o->json);
	return report.good == report.checked && report.missing == 0 &&
		       report.head_good
		   ? 0
		   : 1;
}

static int
run_verify(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct identity member;
	struct buf why;
	int status = 1;

	(void)count;
	(void)operands;
	buf_init(&why, WHY_MAX);
	if (identity_open(&member, o->state, &why)) {
		status = verify(o, &member);
		identity_close(&member);
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return status;
}

const struct command cmd_get_audit = {
	.name = "get audit",
	.summary =
	    "who did what as an admin, and who was refused, newest first",
	.text =
	    "Every change by a command or over the operator listener, every "
	    "read of rows with an\nadmin token, every question that was "
	    "refused, every reload.  Refusals that come again\nare counted: "
	    "`again` says how often more.  Asks the running daemon, or reads "
	    "the store\nwhen none runs.\n\nExample:  get audit --outcome "
	    "refused --state /var/lib/gsr",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run_get,
};

static const struct option_spec verify_specs[] = {
	STATE_OPTION(struct options),
	JSON_OPTION(struct options),
};

const struct command cmd_audit_verify = {
	.name = "audit verify",
	.summary =
	    "check the audit log: each row, their chain, its signed head",
	.text =
	    "A row that was changed or taken out is found, also at the end.  "
	    "What it cannot find is\nan older copy of the whole store put in "
	    "its place: keep number and hash of the head,\nas it prints them, "
	    "elsewhere.  Exit status 0: all is good.",
	.options = verify_specs,
	.options_count = count_of(verify_specs),
	.options_bytes = sizeof(struct options),
	.run = run_verify,
};
