#pragma once
/*
 * invoice: `ledger reconcile --invoice`: a provider's exports against the
 * attempts of a member.
 */
#include "common/base/command.h"

struct invoice_options {
	struct option_list files, same;
	const char *state, *export, *topology, *operator_key;
	const char *provider, *from, *to;
	bool json;
};

/* The options that are its own; `member` is a struct invoice_options. */
#define INVOICE_OPTIONS(type, member)                                          \
	{ "invoice", "FILE", OPTION_LIST, offsetof(type, member.files), false, \
		0, 0,                                                          \
		"a provider's export of usage or costs, CSV or JSON; may "     \
		"be given again: they add up" },                               \
	    { "export", "DIR", OPTION_TEXT, offsetof(type, member.export),     \
		    false, 0, 0,                                               \
		    "of invoices: what its ledger export wrote, instead" },    \
	    { "provider", "NAME", OPTION_TEXT,                                 \
		    offsetof(type, member.provider), false, 0, 0,              \
		    "of invoices: ours whose invoice it is; the vendor's "     \
		    "name, or the only one" },                                 \
	{                                                                      \
		"same", "NAME=MODEL", OPTION_LIST,                             \
		    offsetof(type, member.same), false, 0, 0,                  \
		    "of invoices: a model that is called NAME there"           \
	}

/* Gives the exit status. */
int invoice_run(const struct invoice_options *o);
