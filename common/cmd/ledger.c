#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/auditor.h"
#include "common/cmd/shared.h"
#include "common/export/bundle.h"
#include "common/export/mark.h"
#include "common/format/json.h"
#include "common/member/identity.h"
#include "common/report/closed.h"
#include "common/store/receipt.h"

#define WHY_MAX (64 * 1024)
#define THREADS 2

struct options {
	const char *state, *topology, *export, *operator_key;
	bool json;
};

static const struct option_spec specs[] = {
	{ "state", "DIR", OPTION_TEXT, offsetof(struct options, state), false,
	    0, 0, "the member's state directory: check its store" },
	{ "export", "DIR", OPTION_TEXT, offsetof(struct options, export), false,
	    0, 0, "check what ledger export wrote, instead" },
	OPERATOR_KEY_OPTION(struct options),
	{ "topology", "DIR", OPTION_TEXT, offsetof(struct options, topology),
	    true, 0, 0,
	    "the folder whose mesh.yaml names the egresses' public keys" },
	JSON_OPTION(struct options),
};

static const struct public_key *
key_of(void *arg, struct slice egress, size_t which)
{
	const struct topology *t = arg;
	const struct member *m = mesh_member(&t->mesh, egress);

	return m != NULL && which < m->keys_count ? &m->keys[which] : NULL;
}

static void
print_finding(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* `closed` is NULL where there are none to check. */
static void
print_audit(const struct receipt_audit *a, const struct closed_audit *closed,
    bool json)
{
	const struct {
		const char *name;
		int64_t count;
		const char *meaning;
	} lines[] = {
		{ "checked", a->checked, "receipts" },
		{ "good", a->good,
		    "signed, in their chain, and as the rows say" },
		{ "bad_signature", a->bad_signature,
		    "not signed by the egress" },
		{ "broken_chain", a->broken_chain,
		    "not following the one before" },
		{ "unreadable", a->unreadable, "not receipts" },
		{ "unmatched", a->unmatched, "without a row that agrees" },
		{ "chains", a->chains, "chains" },
		{ "missing", a->missing,
		    "numbers absent of chains, up to their checkpoints" },
		{ "dropped", a->dropped, "numbers that retention dropped" },
		{ "checkpoints", a->checkpoints,
		    "signed words of nodes of how far a chain reaches" },
		{ "closed_months", closed != NULL ? closed->months : 0,
		    "months that are closed" },
		{ "closed_good", closed != NULL ? closed->good : 0,
		    "of those, signed, and with the receipts of then" },
	};
	size_t count = count_of(lines) - (closed == NULL ? 2 : 0);
	struct json_writer w = { 0 };
	struct buf out;
	size_t i;

	buf_init(&out, WHY_MAX);
	w.out = &out;
	if (json)
		json_open(&w, '{');
	for (i = 0; i < count; i++) {
		if (json)
			json_field_int(&w, lines[i].name, lines[i].count);
		else
			buf_printf(&out, "%-14s %10lld  %s\n", lines[i].name,
			    (long long)lines[i].count, lines[i].meaning);
	}
	if (json)
		json_close(&w, '}');
	buf_puts(&out, json ? "\n" : "");
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
}

static int
verify(const struct options *o, struct topology *t,
    const struct public_key *member)
{
	struct receipt_audit audit;
	struct closed_audit closed;
	struct ledger *l = ask_store(o->state);
	bool read;

	if (l == NULL)
		return 1;
	read = receipt_audit(l, key_of, print_finding, t, &audit) &&
	       closed_verify(l, member, print_finding, NULL, &closed);
	ledger_close(l);
	if (!read) {
		fprintf(stderr, "the store could not be read to its end\n");
		return 1;
	}
	print_audit(&audit, &closed, o->json);
	return audit.good == audit.checked && audit.missing == 0 &&
		       audit.broken_chain == 0 && closed.good == closed.months
		   ? 0
		   : 1;
}

static int
verify_export(const struct options *o)
{
	struct receipt_audit audit;
	struct auditor *auditor;
	struct bundle b;
	struct marks marks;
	size_t faults;

	auditor = auditor_new(o->topology, o->operator_key);
	if (auditor == NULL)
		return 1;
	if (!auditor_open(auditor, o->export, &b)) {
		auditor_free(auditor);
		return 1;
	}
	const struct marks_wish marked = {
		.keys = { auditor_key, auditor },
		.finding = print_finding,
	};
	struct proof_wish wish = {
		.keys = { auditor_key, auditor },
		.window = bundle_is_window(&b),
		.finding = print_finding,
	};
	faults = auditor_check(auditor, &b, print_finding, NULL);
	marks_init(&marks);
	faults += marks_add(&marks, &b, &marked);
	wish.marks = wish.window ? NULL : &marks;
	if (wish.window || !b.manifest.files[EXPORT_CHECKPOINT].wanted)
		fprintf(stderr,
		    "nothing vouches for the ends of the chains: that takes a "
		    "whole export with its checkpoints\n");
	proof_check(&b.tapes[EXPORT_RECEIPT], &wish, THREADS, &audit);
	audit.checkpoints = wish.marks != NULL ? (int64_t)marks.count : 0;
	marks_fini(&marks);
	print_audit(&audit, NULL, o->json);
	bundle_close(&b);
	auditor_free(auditor);
	return faults == 0 && audit.good == audit.checked &&
		       (wish.window || audit.missing == 0)
		   ? 0
		   : 1;
}

static int
verify_store(const struct options *o)
{
	struct identity identity;
	struct topology_pin pin;
	struct topology *t = NULL;
	struct buf why;
	int status = 1;

	buf_init(&why, WHY_MAX);
	if (identity_open(&identity, o->state, &why)) {
		identity_pin(&identity, &pin);
		t = topology_load(o->topology, &pin, &why);
		if (t != NULL)
			status = verify(o, t, &identity.public);
		topology_release(t);
		identity_close(&identity);
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return status;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;

	(void)count;
	(void)operands;
	if ((o->state == NULL) == (o->export == NULL)) {
		fprintf(stderr,
		    "say what to check: --state DIR, a member's store, or "
		    "--export DIR, what ledger export wrote\n");
		return 2;
	}
	return o->export != NULL ? verify_export(o) : verify_store(o);
}

const struct command cmd_ledger_verify = {
	.name = "ledger verify",
	.summary = "check every receipt: signature, chain, rows beside it",
	.text =
	    "Of a store, by the public keys of the verified topology; that "
	    "no chain ends before\nthe number up to which its node "
	    "signed that it has it (its checkpoint); and of its closed "
	    "months, that each is what the member signed and the receipts "
	    "are those of then.  Or of "
	    "an export, which needs nothing of the mesh but public keys: then "
	    "also that no byte of the folder was changed since its member "
	    "signed it.  Exit status 0: all are good.\n\n"
	    "Example:  ledger verify --export november --topology mesh "
	    "--operator-key operator.pub",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
