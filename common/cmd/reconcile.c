#include <inttypes.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "common/cmd/auditor.h"
#include "common/cmd/crosscheck.h"
#include "common/cmd/invoice.h"
#include "common/cmd/reconcile.h"
#include "common/cmd/shared.h"
#include "common/export/reconcile.h"
#include "common/format/json.h"
#include "common/format/table.h"

#define OUT_MAX    (1024 * 1024)
#define LINE_BYTES 256

struct options {
	struct crosscheck_options live;
	struct invoice_options invoice;
	const char *state, *from, *to; /* of both */
	const char *topology, *operator_key;
	bool json;
};

#define TEXT(word, value, field, help)                                         \
	{                                                                      \
		word, value, OPTION_TEXT, offsetof(struct options, field),     \
		    false, 0, 0, help                                          \
	}

static const struct option_spec specs[] = {
	TEXT("topology", "DIR", topology,
	    "the folder whose mesh.yaml names the members' public keys"),
	OPERATOR_KEY_OPTION(struct options),
	TEXT("state", "DIR", state,
	    "the member whose ledger it is: of a live node, or of invoices"),
	TEXT("from", "TIME", from,
	    "live: requests from then on: 2026-11-01, 7d; of invoices: the "
	    "first day"),
	TEXT("to", "TIME", to,
	    "live: requests before then; of invoices: the day behind the last"),
	CROSSCHECK_OPTIONS(struct options, live),
	INVOICE_OPTIONS(struct options, invoice),
	JSON_OPTION(struct options),
};

/* Where findings go: JSON streams them, as there may be many. */
struct telling {
	struct buf out;
	struct json_writer w;
	bool json;
	size_t faults;
};

static void
flush(struct telling *t)
{
	fwrite(t->out.data, 1, t->out.len, stdout);
	buf_reset(&t->out);
}

static void
on_fault(void *arg, const char *line)
{
	struct telling *t = arg;

	t->faults++;
	fprintf(stderr, "%s\n", line);
}

static void
on_difference(void *arg, const struct id *request, int64_t attempt,
    const struct difference *d)
{
	char id[4 + ID_TEXT_BYTES] = "req_";
	struct telling *t = arg;

	id_write(request, id + 4);
	if (t->json) {
		json_open(&t->w, '{');
		json_field_text(&t->w, "request", slice_of(id));
		json_field_int(&t->w, "attempt", attempt);
		json_field_text(&t->w, "what", slice_of(d->what));
		json_field_text(&t->w, "node", slice_of(d->node));
		json_field_text(&t->w, "egress", slice_of(d->egress));
		json_field_text(&t->w, "cause", slice_of(cause_name(d->cause)));
		json_field_bool(&t->w, "explained", cause_explains(d->cause));
		json_close(&t->w, '}');
	} else {
		buf_printf(&t->out, "%s attempt %" PRId64 ": %s: node ", id,
		    attempt, d->what);
		cell_write_text(&t->out, slice_of(d->node));
		buf_puts(&t->out, ", egress ");
		cell_write_text(&t->out, slice_of(d->egress));
		buf_printf(&t->out, ": %s\n", cause_name(d->cause));
	}
	flush(t);
}

static void
put_sums(struct json_writer *w, const char *name, const struct account_sums *s)
{
	json_key(w, name);
	json_open(w, '{');
	json_field_int(w, "attempts", s->attempts);
	json_field_int(w, "tokens", s->tokens);
	json_field_int(w, "cost_microusd", s->microusd);
	json_close(w, '}');
}

static void
put_audit(struct json_writer *w, const char *name,
    const struct receipt_audit *a)
{
	json_key(w, name);
	json_open(w, '{');
	json_field_int(w, "checked", a->checked);
	json_field_int(w, "good", a->good);
	json_field_int(w, "bad_signature", a->bad_signature);
	json_field_int(w, "broken_chain", a->broken_chain);
	json_field_int(w, "unreadable", a->unreadable);
	json_field_int(w, "missing", a->missing);
	json_close(w, '}');
}

static void
end_json(struct telling *t, const struct reconciliation *r, bool clean)
{
	struct json_writer *w = &t->w;
	enum cause c;
	size_t i;

	json_close(w, ']');
	json_field_bool(w, "clean", clean);
	json_field_int(w, "attempts", r->attempts);
	json_field_int(w, "matched", r->matched);
	json_field_int(w, "explained", r->explained);
	json_field_int(w, "unexplained", r->unexplained);
	json_field_int(w, "faults", (int64_t)t->faults);
	json_key(w, "causes");
	json_open(w, '{');
	for (c = 0; c < CAUSES; c++)
		json_field_int(w, cause_name(c), r->causes[c]);
	json_close(w, '}');
	json_key(w, "receipts");
	json_open(w, '{');
	put_audit(w, "node", &r->node);
	put_audit(w, "egress", &r->egress);
	json_close(w, '}');
	json_key(w, "months");
	json_open(w, '[');
	for (i = 0; i < r->months_count; i++) {
		json_open(w, '{');
		json_field_text(w, "month", slice_of(r->months[i].month));
		json_field_text(w, "team", slice_of(r->months[i].team));
		put_sums(w, "node", &r->months[i].node);
		put_sums(w, "egress", &r->months[i].egress);
		json_close(w, '}');
	}
	json_close(w, ']');
	json_close(w, '}');
	buf_putc(&t->out, '\n');
}

static void
put_months(struct buf *out, const struct reconciliation *r)
{
	static const struct table_column columns[] = {
		{ "month", CELL_TEXT },
		{ "team", CELL_TEXT },
		{ "side", CELL_TEXT },
		{ "attempts", CELL_INT },
		{ "tokens", CELL_INT },
		{ "cost", CELL_MICROUSD },
	};
	struct table t;
	size_t i, side;

	table_open(&t, out, OUTPUT_TEXT, columns, count_of(columns));
	for (i = 0; i < r->months_count; i++)
		for (side = 0; side < 2; side++) {
			const struct month_sums *m = &r->months[i];
			const struct account_sums *s =
			    side == 0 ? &m->node : &m->egress;

			table_text(&t, slice_of(m->month));
			table_text(&t, slice_of(m->team));
			table_text(&t, slice_of(side == 0 ? "node" : "egress"));
			table_int(&t, s->attempts);
			table_int(&t, s->tokens);
			table_int(&t, s->microusd);
		}
	table_close(&t);
}

static void
end_text(struct telling *t, const struct reconciliation *r, bool clean)
{
	struct buf *out = &t->out;
	enum cause c;

	buf_printf(out,
	    "%" PRId64 " attempts: %" PRId64 " matched, %" PRId64
	    " explained, %" PRId64 " not explained\n",
	    r->attempts, r->matched, r->explained, r->unexplained);
	for (c = 0; c < CAUSES; c++)
		if (r->causes[c] > 0)
			buf_printf(out, "  %-13s %8" PRId64 "  %s\n",
			    cause_name(c), r->causes[c], cause_rule(c));
	buf_printf(out,
	    "receipts: node %" PRId64 " of %" PRId64 " good, egress %" PRId64
	    " of %" PRId64 "\n",
	    r->node.good, r->node.checked, r->egress.good, r->egress.checked);
	put_months(out, r);
	if (r->months_full)
		buf_puts(out, "(more months and teams than are added up)\n");
	if (t->faults > 0)
		buf_printf(out, "%zu faults of the files, on standard error\n",
		    t->faults);
	buf_puts(out,
	    clean ? "The ledgers agree.\n" : "The ledgers do NOT agree.\n");
}

/* What a store could not read is no row that could be compared. */
static void
check_damage(const struct bundle *b, struct telling *t)
{
	char line[LINE_BYTES];
	enum export_kind k;

	for (k = 0; k < EXPORT_KINDS; k++) {
		if (b->manifest.files[k].damaged == 0)
			continue;
		snprintf(line, sizeof(line),
		    "%s: %s: %lld entries could not be read: they are damaged, "
		    "or of a newer version",
		    b->manifest.member, kind_name(k),
		    (long long)b->manifest.files[k].damaged);
		on_fault(t, line);
	}
}

static void
check(struct auditor *a, const struct bundle *b, bool live, struct telling *t)
{
	if (live)
		check_damage(b, t);
	else
		auditor_check(a, b, on_fault, t);
}

int
reconcile_bundles(struct auditor *auditor, const struct bundle *node,
    const struct bundle *egress, const struct reconcile_manner *m)
{
	struct telling t = { .json = m->json };
	struct reconciliation r;
	bool clean;

	buf_init(&t.out, OUT_MAX);
	t.w.out = &t.out;
	const struct reconcile_wish wish = {
		.node = node,
		.egress = egress,
		.keys = { auditor_key, auditor },
		.finding = on_fault,
		.difference = on_difference,
		.arg = &t,
	};
	check(auditor, node, m->live, &t);
	check(auditor, egress, m->live, &t);
	if (m->json) {
		json_open(&t.w, '{');
		json_field_text(&t.w, "node", slice_of(node->manifest.member));
		json_field_text(&t.w, "egress",
		    slice_of(egress->manifest.member));
		json_key(&t.w, "differences");
		json_open(&t.w, '[');
	}
	clean = reconcile(&wish, &r) && reconciliation_is_clean(&r) &&
		t.faults == 0;
	if (m->json)
		end_json(&t, &r, clean);
	else
		end_text(&t, &r, clean);
	flush(&t);
	reconciliation_fini(&r);
	buf_fini(&t.out);
	return clean ? 0 : 1;
}

/* Rows of attempts and receipts are what it is about. */
static bool
has_files(const struct bundle *b)
{
	if (b->manifest.files[EXPORT_ATTEMPT].wanted &&
	    b->manifest.files[EXPORT_OPEN].wanted &&
	    b->manifest.files[EXPORT_OUTBOX].wanted &&
	    b->manifest.files[EXPORT_CHECKPOINT].wanted &&
	    b->manifest.files[EXPORT_RECEIPT].wanted)
		return true;
	fprintf(stderr,
	    "%s: export attempt,open,checkpoint,receipt,outbox at least: leave "
	    "--kinds "
	    "out\n",
	    b->dir);
	return false;
}

static bool
are_a_pair(const struct auditor *a, const struct bundle *node,
    const struct bundle *egress)
{
	if (auditor_is_egress(a, node) || !auditor_is_egress(a, egress)) {
		fprintf(stderr,
		    "the first export is a node's, the second one its "
		    "egress's: here they are of '%s' and '%s'\n",
		    node->manifest.member, egress->manifest.member);
		return false;
	}
	return has_files(node) && has_files(egress);
}

/* Two ledgers, by two exports. */
static int
run_pair(const struct options *o, char *const *operands)
{
	const struct reconcile_manner manner = { .json = o->json };
	struct bundle node, egress;
	struct auditor *auditor;
	int status = 1;

	auditor = auditor_new(o->topology, o->operator_key);
	if (auditor == NULL)
		return 1;
	if (auditor_open(auditor, operands[0], &node)) {
		if (auditor_open(auditor, operands[1], &egress)) {
			if (are_a_pair(auditor, &node, &egress))
				status = reconcile_bundles(auditor, &node,
				    &egress, &manner);
			bundle_close(&egress);
		}
		bundle_close(&node);
	}
	auditor_free(auditor);
	return status;
}

static int
run_invoice(const struct options *o)
{
	struct invoice_options invoice = o->invoice;

	invoice.state = o->state;
	invoice.from = o->from;
	invoice.to = o->to;
	invoice.topology = o->topology;
	invoice.operator_key = o->operator_key;
	invoice.json = o->json;
	return invoice_run(&invoice);
}

/* As they are now, asked for over the link. */
static int
run_live(const struct options *o)
{
	struct crosscheck_options live = o->live;

	live.state = o->state;
	live.from = o->from;
	live.to = o->to;
	live.topology = o->topology;
	live.operator_key = o->operator_key;
	live.json = o->json;
	return crosscheck_run(&live);
}

/* The three forms share options; NULL, or why these words are none of them. */
static const char *
find_wrong(const struct options *o, int count)
{
	bool of_window = o->from != NULL || o->to != NULL;
	bool of_live = o->live.parent != NULL || o->live.month != NULL;

	if (o->invoice.files.count > 0) {
		if (count > 0)
			return "--invoice is held against one ledger, --state "
			       "DIR or --export DIR: leave the operands out";
		return of_live ? "--parent and --month are of a live node: an "
				 "invoice's days are --from and --to"
			       : NULL;
	}
	if (o->invoice.export != NULL || o->invoice.provider != NULL ||
	    o->invoice.same.count > 0)
		return "--export, --provider and --same are of invoices: give "
		       "--invoice FILE";
	if (count == 2 ? o->state != NULL || of_window || of_live
		       : count != 0 || o->state == NULL)
		return "one of the three: two exports, NODE_EXPORT "
		       "EGRESS_EXPORT; a running node, --state DIR, with "
		       "--parent, --month, --from, --to as you like; or "
		       "--invoice FILE with one ledger, --state DIR or "
		       "--export "
		       "DIR";
	return o->topology == NULL
		   ? "--topology DIR is needed: its mesh.yaml names the "
		     "members' public keys"
		   : NULL;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const char *wrong = find_wrong(o, count);

	if (wrong != NULL) {
		fprintf(stderr, "%s\n", wrong);
		return 2;
	}
	if (o->invoice.files.count > 0)
		return run_invoice(o);
	return count == 2 ? run_pair(o, operands) : run_live(o);
}

const struct command cmd_ledger_reconcile = {
	.name = "ledger reconcile",
	.operands = "[NODE_EXPORT EGRESS_EXPORT]",
	.summary = "hold a node's ledger against its egress's, or an invoice "
		   "against a ledger",
	.text =
	    "Two exports: "
	    "needs the two folders and public keys, no member and no secret.  "
	    "Checks each file against its manifest, each receipt's signature "
	    "and chain, and each attempt that went from that node through "
	    "that egress: who has it, and whether all figures are the same.  "
	    "A difference has a cause; docs/LEDGER.md has the rule of each.  "
	    "Export the egress first, then the node: then what was under way "
	    "in between is told apart.\n\n"
	    "Exit status 0: all is matched or explained, and the sums of both "
	    "sides below tell by how much the explained ones differ.\n\n"
	    "A running node, --state DIR, without operands: its daemon asks "
	    "each of its egresses over the link for that egress's ledger of "
	    "the node's own calls, and this command holds it against the "
	    "node's in the same way, of all there is or of a window.  Both "
	    "daemons have to run; --json prints a line for each egress.  A "
	    "link that breaks off in between is waited for.\n\n"
	    "An invoice: what a provider says was used, against the attempts "
	    "of the member whose key it is, by day (UTC) and model: requests, "
	    "tokens, cost.  Taken are the usage and cost exports of OpenAI "
	    "and Anthropic (CSV of the console, JSON of the administration "
	    "interface) and a CSV with the columns day, model, and of "
	    "requests, input, cache_read, cache_write, cache_write_1h, output, "
	    "web_searches, cost (USD) those that there are; input is without "
	    "what was read from a cache or written to it.  What differs is "
	    "told by name and amount; docs/LEDGER.md has the rule of each.  "
	    "Exit status 0: it agrees, or differs only by what is "
	    "explained.\n\n"
	    "Examples:\n"
	    "  ledger reconcile payments-export central-export --topology mesh "
	    "--operator-key operator.pub\n"
	    "  ledger reconcile --state /var/lib/gsr --topology mesh "
	    "--month 2026-11\n"
	    "  ledger reconcile --state DIR --invoice usage.csv --invoice "
	    "costs.csv\n"
	    "  ledger reconcile --export november --invoice cost.json "
	    "--provider claude",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 0,
	.operands_max = 2,
	.run = run,
};
