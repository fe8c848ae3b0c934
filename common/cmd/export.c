#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cmd/note.h"
#include "common/cmd/shared.h"
#include "common/export/export.h"
#include "common/format/moment.h"
#include "common/member/identity.h"

#define WHY_MAX (64 * 1024)

struct options {
	const char *state, *out, *format, *from, *to, *kinds;
	bool resume;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
	{ "out", "DIR", OPTION_TEXT, offsetof(struct options, out), true, 0, 0,
	    "folder for the files; made when it is not there" },
	{ "format", "NAME", OPTION_TEXT, offsetof(struct options, format),
	    false, 0, 0, "jsonl (all there is) or csv; jsonl" },
	{ "from", "TIME", OPTION_TEXT, offsetof(struct options, from), false, 0,
	    0, "requests from then on: 2026-11-01 or 2026-11-01T06:00:00Z" },
	{ "to", "TIME", OPTION_TEXT, offsetof(struct options, to), false, 0, 0,
	    "requests before then; now" },
	{ "kinds", "LIST", OPTION_TEXT, offsetof(struct options, kinds), false,
	    0, 0,
	    "of request,attempt,open,receipt,outbox,checkpoint,decision,"
	    "event; all" },
	{ "resume", NULL, OPTION_FLAG, offsetof(struct options, resume), false,
	    0, 0, "go on with an export that was interrupted" },
};

/* What a terminal is told. */
struct progress {
	int64_t told_us;
	bool wanted;
};

static bool
on_step(void *arg, enum export_kind k, int64_t rows)
{
	struct progress *p = arg;
	int64_t now = clock_mono_us();

	if (!p->wanted || now - p->told_us < US_PER_SECOND)
		return true;
	p->told_us = now;
	fprintf(stderr, "\r%-10s %12lld rows", kind_name(k), (long long)rows);
	return true;
}

static bool
take_kinds(const char *text, bool kinds[EXPORT_KINDS])
{
	enum export_kind k;
	size_t len;

	for (k = 0; k < EXPORT_KINDS; k++)
		kinds[k] = text == NULL;
	for (; text != NULL; text = text[len] != '\0' ? text + len + 1 : NULL) {
		len = strcspn(text, ",");
		for (k = 0; k < EXPORT_KINDS; k++)
			if (slice_is(slice_make(text, len), kind_name(k)))
				break;
		if (k == EXPORT_KINDS) {
			fprintf(stderr,
			    "--kinds: there is no kind '%.*s'; there are "
			    "request, attempt, open, receipt, outbox, "
			    "checkpoint, decision, event\n",
			    (int)len, text);
			return false;
		}
		kinds[k] = true;
	}
	return true;
}

static bool
take_time(const char *name, const char *text, int64_t *us)
{
	*us = 0;
	if (text == NULL || (moment_parse(slice_of(text), us) && *us > 0))
		return true;
	fprintf(stderr,
	    "--%s: '%s' is no time: write 2026-11-01 or "
	    "2026-11-01T06:00:00Z\n",
	    name, text);
	return false;
}

static bool
take_format(const char *text, enum export_encoding *e)
{
	*e = text != NULL && strcmp(text, "csv") == 0 ? EXPORT_CSV
						      : EXPORT_JSONL;
	if (text == NULL || *e == EXPORT_CSV || strcmp(text, "jsonl") == 0)
		return true;
	fprintf(stderr, "--format: '%s' is neither jsonl nor csv\n", text);
	return false;
}

static bool
take_wish(const struct options *o, struct export_wish *w)
{
	w->state_dir = o->state;
	w->out_dir = o->out;
	w->resume = o->resume;
	if (!take_kinds(o->kinds, w->kinds) ||
	    !take_time("from", o->from, &w->from) ||
	    !take_time("to", o->to, &w->to) ||
	    !take_format(o->format, &w->encoding))
		return false;
	if (w->to > clock_wall_us()) {
		fprintf(stderr, "--to: that is still to come\n");
		return false;
	}
	if (w->to > 0 && w->to <= w->from) {
		fprintf(stderr, "--to has to come after --from\n");
		return false;
	}
	if (!o->resume || (o->kinds == NULL && o->from == NULL &&
			      o->to == NULL && o->format == NULL))
		return true;
	fprintf(stderr,
	    "--resume goes on with what was asked for then: leave --kinds, "
	    "--from, --to and --format out\n");
	return false;
}

static int
tell(enum export_end end, const struct manifest *m)
{
	int64_t damaged = 0;
	enum export_kind k;

	for (k = 0; k < EXPORT_KINDS && end == EXPORT_WHOLE; k++) {
		if (!m->files[k].wanted)
			continue;
		printf("%-10s %12lld rows %14lld bytes\n", kind_name(k),
		    (long long)m->files[k].rows, (long long)m->files[k].bytes);
		damaged += m->files[k].damaged;
	}
	if (damaged > 0)
		fprintf(stderr,
		    "%lld entries of the store could not be read and were "
		    "left out\n",
		    (long long)damaged);
	return end == EXPORT_WHOLE && damaged == 0 ? 0 : 1;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct progress progress = { .wanted = isatty(STDERR_FILENO) };
	struct export_wish wish = { .step = on_step, .arg = &progress };
	struct identity identity;
	struct manifest m;
	enum export_end end;
	struct buf why;
	int status = 1;

	(void)count;
	(void)operands;
	if (!take_wish(o, &wish))
		return 2;
	buf_init(&why, WHY_MAX);
	if (identity_open(&identity, o->state, &why)) {
		wish.member = identity.name;
		wish.mesh = identity.mesh;
		wish.key = identity.key;
		end = export_run(&wish, &m, &why);
		identity_close(&identity);
		if (progress.told_us > 0)
			fputc('\n', stderr);
		status = tell(end, &m);
		if (end == EXPORT_WHOLE)
			note_read(o->state, "ledger export", o->out);
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return status;
}

const struct command cmd_ledger_export = {
	.name = "ledger export",
	.summary = "write rows and receipts into files, for others to check",
	.text =
	    "One file a kind and a manifest that this member signs.  Works "
	    "beside the running daemon.  What is interrupted goes on with "
	    "--resume, behind the last row that was written.  JSONL has "
	    "receipts as they were signed, so that 'ledger verify --export' "
	    "and 'ledger reconcile' need nothing but it and public keys; CSV "
	    "is for spreadsheets: a text that one would take for a formula "
	    "gets an apostrophe before it.\n\n"
	    "Example:  ledger export --state /var/lib/gsr --out november "
	    "--from 2026-11-01 --to 2026-12-01",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
