#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/note.h"
#include "common/cmd/shared.h"
#include "common/format/json.h"
#include "common/store/custody.h"
#include "common/store/disposal.h"
#include "common/store/holdings.h"

#define TARGET_MAX 256
#define BODY_MAX   4096
#define OUT_MAX    (1024 * 1024)
#define STEP       10000 /* entries */

struct options {
	const char *state, *from, *to, *class, *why;
	bool dry_run, json;
};

static const struct option_spec status_specs[] = {
	STATE_OPTION(struct options),
	JSON_OPTION(struct options),
};

static const struct option_spec run_specs[] = {
	STATE_OPTION(struct options),
	{ "dry-run", NULL, OPTION_FLAG, offsetof(struct options, dry_run),
	    false, 0, 0, "count what would go, and drop nothing" },
	JSON_OPTION(struct options),
};

static const struct option_spec hold_specs[] = {
	STATE_OPTION(struct options),
	{ "from", "T", OPTION_TEXT, offsetof(struct options, from), false, 0, 0,
	    "of add: 2026-11-01 or 2026-11-01T08:30:00Z; the beginning" },
	{ "to", "T", OPTION_TEXT, offsetof(struct options, to), false, 0, 0,
	    "of add: the moment behind the last one; no end" },
	{ "class", "NAME", OPTION_TEXT, offsetof(struct options, class), false,
	    0, 0, "of add: only of this class of rows; of all" },
	{ "why", "TEXT", OPTION_TEXT, offsetof(struct options, why), false, 0,
	    0, "of add: kept with the hold" },
	JSON_OPTION(struct options),
};

static enum output_format
format_of(const struct options *o)
{
	return o->json ? OUTPUT_JSON : OUTPUT_TEXT;
}

static int
print(struct buf *out, bool good)
{
	fwrite(out->data, 1, out->len, good ? stdout : stderr);
	return good && !out->failed ? 0 : 1;
}

static const char *
path_of(const struct options *o, const char *path, struct buf *target)
{
	buf_puts(target, path);
	ask_argument(target, "format", o->json ? "json" : NULL);
	return buf_text(target);
}

/* True when a daemon runs there: *status is the exit status. */
static bool
told(enum asked asked, int *status)
{
	*status = asked == ASKED_OK ? 0 : 1;
	return asked != ASKED_NOBODY;
}

static bool
asks(const struct options *o, const char *path, int *status)
{
	struct buf target;
	enum asked asked;

	buf_init(&target, TARGET_MAX);
	asked = ask_daemon(o->state, "GET", path_of(o, path, &target),
	    slice_make(NULL, 0));
	buf_fini(&target);
	return told(asked, status);
}

static int
run_status(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct ledger *l;
	struct buf out;
	int status;

	(void)count;
	(void)operands;
	if (asks(o, "/admin/retention", &status))
		return status;
	l = ask_store(o->state);
	if (l == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	holdings_write(l, clock_wall_us(), format_of(o), &out);
	status = print(&out, true);
	buf_fini(&out);
	ledger_close(l);
	return status;
}

static int
run_here(const struct options *o)
{
	struct ledger *l =
	    o->dry_run ? ask_store(o->state) : ask_own_store(o->state);
	struct disposal d;
	struct buf out;
	int status;

	if (l == NULL)
		return 1;
	disposal_begin(&d, l, clock_wall_us(), o->dry_run);
	while (disposal_step(&d, STEP))
		;
	if (!d.failed && !o->dry_run)
		d.failed = !disposal_compact(&d);
	if (!o->dry_run)
		note_here(l, o->state, "retention run", "", !d.failed);
	buf_init(&out, OUT_MAX);
	disposal_write(&d, format_of(o), &out);
	status = print(&out, !d.failed);
	buf_fini(&out);
	ledger_close(l);
	return status;
}

static int
run_run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct buf result, target;
	enum asked asked;
	int status;

	(void)count;
	(void)operands;
	buf_init(&result, TARGET_MAX);
	buf_init(&target, TARGET_MAX);
	buf_puts(&target, "/admin/retention/run");
	ask_argument(&target, "dry_run", o->dry_run ? "yes" : NULL);
	asked = ask_job(o->state, buf_text(&target), slice_make(NULL, 0),
	    path_of(o, "/admin/retention/run", &result));
	buf_fini(&result);
	buf_fini(&target);
	return told(asked, &status) ? status : run_here(o);
}

static bool
tells(const struct options *o, const char *path, const char *name, int *status)
{
	const struct {
		const char *key, *value;
	} fields[] = { { "name", name }, { "from", o->from }, { "to", o->to },
		{ "class", o->class }, { "why", o->why } };
	struct json_writer w = { 0 };
	enum asked asked;
	struct buf body;
	size_t i;

	buf_init(&body, BODY_MAX);
	w.out = &body;
	json_open(&w, '{');
	for (i = 0; i < count_of(fields); i++)
		if (fields[i].value != NULL)
			json_field_text(&w, fields[i].key,
			    slice_of(fields[i].value));
	json_close(&w, '}');
	asked = ask_daemon(o->state, "POST", path, buf_slice(&body));
	buf_fini(&body);
	return told(asked, status);
}

static bool
hold_here(const struct options *o, const char *name, struct ledger *l,
    struct buf *why)
{
	char by[64];
	const struct legal_hold_wish wish = {
		.name = slice_of(name),
		.why = slice_of(o->why),
		.by = slice_of(by),
		.from = slice_of(o->from),
		.to = slice_of(o->to),
		.class = slice_of(o->class),
		.now_us = clock_wall_us(),
	};
	struct legal_hold hold;

	snprintf(by, sizeof(by), "operator (uid %u)", (unsigned)getuid());
	if (!legal_hold_make(&hold, &wish, why) ||
	    !custody_hold(ledger_custody(l), &hold, why))
		return false;
	buf_printf(why, "%s holds from now on\n", name);
	return true;
}

static bool
let_go_here(const char *name, struct ledger *l, struct buf *why)
{
	if (!custody_let_go(ledger_custody(l), slice_of(name), why))
		return false;
	buf_printf(why, "%s holds nothing any more\n", name);
	return true;
}

/* Without a daemon: `name` NULL lists. */
static int
holds_here(const struct options *o, bool add, const char *name)
{
	struct legal_hold holds[LEGAL_HOLDS_MAX];
	struct ledger *l =
	    name != NULL ? ask_own_store(o->state) : ask_store(o->state);
	struct buf out;
	bool good = true;
	int status;

	if (l == NULL)
		return 1;
	buf_init(&out, OUT_MAX);
	if (name == NULL)
		legal_hold_list(holds, custody_holds(ledger_custody(l), holds),
		    format_of(o), &out);
	else if (add)
		good = hold_here(o, name, l, &out);
	else
		good = let_go_here(name, l, &out);
	if (name != NULL)
		note_here(l, o->state,
		    add ? "retention hold add" : "retention hold remove", name,
		    good);
	status = print(&out, good);
	buf_fini(&out);
	ledger_close(l);
	return status;
}

static int
run_hold(const void *options, int count, char *const *operands)
{
	const char *verb = operands[0], *name = count > 1 ? operands[1] : NULL;
	const struct options *o = options;
	bool add = strcmp(verb, "add") == 0, there;
	int status;

	if (strcmp(verb, "list") == 0 && name == NULL)
		there = asks(o, "/admin/retention/holds", &status);
	else if (add && name != NULL)
		there = tells(o, "/admin/retention/holds", name, &status);
	else if (strcmp(verb, "remove") == 0 && name != NULL)
		there =
		    tells(o, "/admin/retention/holds/remove", name, &status);
	else {
		fprintf(stderr, "say: retention hold add NAME, list, or "
				"remove NAME\n");
		return 2;
	}
	return there ? status : holds_here(o, add, name);
}

const struct command cmd_retention_status = {
	.name = "retention status",
	.summary = "what is kept of each class, how long, and what is past",
	.text = "Limits come from `retention` in mesh.yaml and in the member's "
		"own file, the shorter\ncounts; a class without one is kept "
		"for ever.  `past` is hidden from everybody and\ngoes with "
		"the next run, each night between 2 and 5 UTC.  Rows and "
		"bytes are estimates.\nAsks the running daemon, or reads the "
		"store when none runs.\n\n"
		"Example:  retention status --state /var/lib/gsr",
	.options = status_specs,
	.options_count = count_of(status_specs),
	.options_bytes = sizeof(struct options),
	.run = run_status,
};

const struct command cmd_retention_run = {
	.name = "retention run",
	.summary = "drop now what is past its retention",
	.text =
	    "What the daemon does by itself each night: rows past their limit "
	    "are dropped, except\nwhat a legal hold keeps, and leave the "
	    "disk's files before this returns.  Receipts\ngo as beginnings of "
	    "chains, so `ledger verify` still holds.\n\n"
	    "Example:  retention run --dry-run --state /var/lib/gsr",
	.options = run_specs,
	.options_count = count_of(run_specs),
	.options_bytes = sizeof(struct options),
	.run = run_run,
};

const struct command cmd_retention_hold = {
	.name = "retention hold",
	.operands = "add NAME | list | remove NAME",
	.summary = "keep rows whatever their limit says, until it is removed",
	.text =
	    "A legal hold: rows of that time and class are neither dropped "
	    "nor hidden while it\nstands, from the moment this returns.  What "
	    "was dropped before does not come back.\nOf receipts it also keeps "
	    "those that follow in their chain.  Each member has its\nown; kept "
	    "with who made it, when and why.\n\n"
	    "Example:  retention hold add case-4711 --from 2026-10-01 "
	    "--to 2026-11-01 \\\n            --why 'court order' "
	    "--state /var/lib/gsr",
	.options = hold_specs,
	.options_count = count_of(hold_specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 2,
	.run = run_hold,
};
