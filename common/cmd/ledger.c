#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/shared.h"
#include "common/format/json.h"
#include "common/member/identity.h"
#include "common/store/receipt.h"

#define WHY_MAX (64 * 1024)

struct options {
	const char *state, *topology;
	bool json;
};

static const struct option_spec specs[] = {
	STATE_OPTION(struct options),
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

static void
print_audit(const struct receipt_audit *a, bool json)
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
		{ "missing", a->missing, "numbers absent inside chains" },
		{ "dropped", a->dropped, "numbers that retention dropped" },
	};
	struct json_writer w = { 0 };
	struct buf out;
	size_t i;

	buf_init(&out, WHY_MAX);
	w.out = &out;
	if (json)
		json_open(&w, '{');
	for (i = 0; i < count_of(lines); i++) {
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
verify(const struct options *o, struct topology *t)
{
	struct receipt_audit audit;
	struct ledger *l = ask_store(o->state);
	bool read;

	if (l == NULL)
		return 1;
	read = receipt_audit(l, key_of, print_finding, t, &audit);
	ledger_close(l);
	if (!read) {
		fprintf(stderr, "the store could not be read to its end\n");
		return 1;
	}
	print_audit(&audit, o->json);
	return audit.good == audit.checked && audit.missing == 0 ? 0 : 1;
}

static int
run(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct identity identity;
	struct topology_pin pin;
	struct topology *t = NULL;
	struct buf why;
	int status = 1;

	(void)count;
	(void)operands;
	buf_init(&why, WHY_MAX);
	if (identity_open(&identity, o->state, &why)) {
		identity_pin(&identity, &pin);
		t = topology_load(o->topology, &pin, &why);
		if (t != NULL)
			status = verify(o, t);
		topology_release(t);
		identity_close(&identity);
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return status;
}

const struct command cmd_ledger_verify = {
	.name = "ledger verify",
	.summary = "check every receipt: signature, chain, rows beside it",
	.text = "Needs only the store and the egresses' public keys of the "
		"verified topology.\nExit status 0: all are good.",
	.options = specs,
	.options_count = count_of(specs),
	.options_bytes = sizeof(struct options),
	.run = run,
};
