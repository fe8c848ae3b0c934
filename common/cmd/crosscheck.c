#include "common/cmd/crosscheck.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/auditor.h"
#include "common/cmd/reconcile.h"
#include "common/export/bundle.h"
#include "common/export/export.h"
#include "common/export/intake.h"
#include "common/export/spool.h"
#include "common/member/identity.h"
#include "common/net/control.h"
#include "common/report/window.h"

#define WHY_MAX    (64 * 1024)
#define TARGET_MAX 1024
#define AGAIN_US   (200 * US_PER_MS)
/* How long nothing may come before it is given up. */
#define PATIENCE_US (60 * (int64_t)US_PER_SECOND)

#define STATUS_GIVEN 200
#define STATUS_BUSY  409
#define STATUS_AWAY  503

struct crosscheck {
	const struct crosscheck_options *options;
	struct identity identity;
	struct auditor *auditor;
	struct spool spool;
	int64_t from, to;
	bool terminal;   /* progress is told */
	int64_t told_us; /* when it was */
	struct buf why;
};

static void
tell_progress(struct crosscheck *c, const char *whose, int64_t rows)
{
	int64_t now = clock_mono_us();

	if (!c->terminal || now - c->told_us < US_PER_SECOND)
		return;
	c->told_us = now;
	fprintf(stderr, "\r%-24s %12lld rows", whose, (long long)rows);
}

static void
end_progress(struct crosscheck *c)
{
	if (c->told_us > 0)
		fputc('\n', stderr);
	c->told_us = 0;
}

static struct slice
text_or_empty(const char *text)
{
	return slice_of(text != NULL ? text : "");
}

/* Open ends are 0: a window cuts chains, so it is none unless it is said. */
static bool
take_window(struct crosscheck *c)
{
	const struct crosscheck_options *o = c->options;
	const struct window_words words = { .from = text_or_empty(o->from),
		.to = text_or_empty(o->to),
		.month = text_or_empty(o->month) };
	int64_t now = clock_wall_us();
	struct window w;

	if (o->from == NULL && o->month == NULL && o->to == NULL)
		return true;
	if (!window_read(&w, &words, now, &c->why))
		return false;
	if (w.from_us >= now) {
		buf_puts(&c->why, "the window is still to come\n");
		return false;
	}
	/* Without --from or --month it begins with the first request. */
	c->from = o->from == NULL && o->month == NULL ? 0 : w.from_us;
	c->to = w.to_us >= now ? 0 : w.to_us;
	return true;
}

static void
put_target(struct buf *out, const char *parent, const struct extract_ask *a)
{
	char after[2 * EXTRACT_KEY_MAX + 1];

	hex_write(after, a->after.ptr, a->after.len);
	buf_puts(out, "/admin/ledger/extract");
	ask_argument(out, "parent", parent);
	ask_argument(out, "kind", kind_name(a->kind));
	buf_printf(out, "&from=%lld&to=%lld&after=%s", (long long)a->from,
	    (long long)a->to, after);
}

/* One question: a status; 0: no daemon is there, or it broke off. */
static int
ask_once(struct crosscheck *c, const char *parent, const struct extract_ask *a,
    struct buf *page)
{
	struct buf target;
	int status = 0;

	buf_reset(page);
	buf_init(&target, TARGET_MAX);
	put_target(&target, parent, a);
	switch (control_call(c->options->state, "GET", buf_text(&target),
	    slice_make(NULL, 0), &status, page)) {
	case CONTROL_OK:
		break;
	case CONTROL_NO_DAEMON:
		buf_puts(page, "no daemon runs here: start it; or compare two "
			       "exports, NODE_EXPORT EGRESS_EXPORT\n");
		status = 0;
		break;
	default:
		buf_reset(page);
		buf_puts(page, "the daemon broke off its answer\n");
		status = 0;
	}
	buf_fini(&target);
	return status;
}

/*
 * The next page.  What is busy is waited for; once something came, so is a
 * link or a daemon that comes back: it goes on behind the last row.
 */
static bool
get_page(struct crosscheck *c, const char *parent, const struct extract_ask *a,
    bool begun, struct buf *page)
{
	int64_t until = clock_mono_us() + PATIENCE_US;
	int status = ask_once(c, parent, a, page);

	while (status != STATUS_GIVEN && clock_mono_us() < until &&
	       (status == STATUS_BUSY ||
		   (begun && (status == STATUS_AWAY || status == 0)))) {
		usleep(AGAIN_US);
		status = ask_once(c, parent, a, page);
	}
	if (status == STATUS_GIVEN)
		return true;
	buf_put_slice(&c->why, buf_slice(page));
	return false;
}

/* The egress's ledger of this node's calls, into that folder. */
static bool
fetch(struct crosscheck *c, const char *parent, const char *dir)
{
	const struct intake_wish wish = { .dir = dir,
		.member = parent,
		.mesh = c->identity.mesh,
		.from = c->from,
		.to = c->to };
	struct intake *in = intake_new(&wish, &c->why);
	struct extract_ask ask;
	bool good = in != NULL, begun = false;
	struct buf page;

	buf_init(&page, EXTRACT_PAGE_MAX);
	while (good && intake_ask(in, &ask)) {
		good = spool_has_room(&c->spool, &c->why) &&
		       get_page(c, parent, &ask, begun, &page) &&
		       intake_take(in, buf_slice(&page), &c->why);
		begun = true;
		tell_progress(c, parent, intake_rows(in));
	}
	good = good && intake_finish(in, &c->why);
	intake_free(in);
	buf_fini(&page);
	end_progress(c);
	return good;
}

static bool
on_step(void *arg, enum export_kind k, int64_t rows)
{
	struct crosscheck *c = arg;

	(void)k;
	tell_progress(c, c->identity.name, rows);
	return spool_has_room(&c->spool, &c->why);
}

/* The node's own: after the egress's, so that what came in between is told
 * apart. */
static bool
export_own(struct crosscheck *c, const char *dir)
{
	struct export_wish wish = { .state_dir = c->options->state,
		.out_dir = dir,
		.member = c->identity.name,
		.mesh = c->identity.mesh,
		.key = c->identity.key,
		.from = c->from,
		.to = c->to,
		.step = on_step,
		.arg = c };
	struct manifest m;
	enum export_kind k;
	bool whole;

	for (k = 0; k < EXPORT_KINDS; k++)
		wish.kinds[k] = extract_has(k);
	whole = export_run(&wish, &m, &c->why) == EXPORT_WHOLE;
	end_progress(c);
	return whole;
}

static int
compare(struct crosscheck *c, const char *own, const char *other)
{
	const struct reconcile_manner manner = { .json = c->options->json,
		.live = true };
	struct bundle node, egress;
	int status = 1;

	if (!auditor_open(c->auditor, own, &node))
		return 1;
	if (auditor_open(c->auditor, other, &egress)) {
		if (!manner.json)
			printf("%s and %s:\n", node.manifest.member,
			    egress.manifest.member);
		status = reconcile_bundles(c->auditor, &node, &egress, &manner);
		bundle_close(&egress);
	}
	bundle_close(&node);
	return status;
}

static void
flush(struct crosscheck *c)
{
	fprintf(stderr, "%s", buf_text(&c->why));
	buf_reset(&c->why);
}

static int
check_one(struct crosscheck *c, struct slice name)
{
	char own[EXPORT_PATH_MAX], other[EXPORT_PATH_MAX],
	    parent[NAME_CHARS_MAX + 1];
	int status = 1;

	snprintf(parent, sizeof(parent), "%.*s", SLICE_FMT(name));
	spool_folder(&c->spool, "node", own);
	spool_folder(&c->spool, "egress", other);
	if (fetch(c, parent, other) && export_own(c, own))
		status = compare(c, own, other);
	spool_clear(&c->spool);
	flush(c);
	return status;
}

/* All of its parents, or the one that is named. */
static int
check_all(struct crosscheck *c)
{
	const char *only = c->options->parent;
	const struct mesh *mesh = auditor_mesh(c->auditor);
	const struct member *self =
	    mesh_member(mesh, slice_of(c->identity.name));
	size_t i, count = 0;
	int status = 0;

	for (i = 0; self != NULL && i < self->parents_count; i++) {
		if (only != NULL && !slice_is(self->parents[i], only))
			continue;
		count++;
		if (check_one(c, self->parents[i]) != 0)
			status = 1;
	}
	if (count > 0)
		return status;
	if (only != NULL)
		fprintf(stderr, "--parent: '%s' is no parent of node '%s'\n",
		    only, c->identity.name);
	else
		fprintf(stderr, "mesh.yaml names no parent of '%s'\n",
		    c->identity.name);
	return 2;
}

static bool
is_a_node(struct crosscheck *c)
{
	if (c->identity.role == ROLE_NODE)
		return true;
	buf_printf(&c->why,
	    "%s is an egress's: it is the node that asks, with its own "
	    "--state; here give two exports, NODE_EXPORT EGRESS_EXPORT\n",
	    c->options->state);
	return false;
}

static int
run(struct crosscheck *c)
{
	int status = 1;

	if (!is_a_node(c))
		return 1;
	if (!take_window(c))
		return 2;
	c->auditor =
	    auditor_new(c->options->topology, c->options->operator_key);
	if (c->auditor == NULL)
		return 1;
	if (spool_open(&c->spool, c->options->state, &c->why))
		status = check_all(c);
	spool_close(&c->spool);
	auditor_free(c->auditor);
	return status;
}

int
crosscheck_run(const struct crosscheck_options *o)
{
	struct crosscheck c = { .options = o,
		.terminal = isatty(STDERR_FILENO) };
	int status = 1;

	buf_init(&c.why, WHY_MAX);
	if (identity_open(&c.identity, o->state, &c.why)) {
		status = run(&c);
		identity_close(&c.identity);
	}
	flush(&c);
	buf_fini(&c.why);
	return status;
}
