#pragma once
/*
 * crosscheck: a running node's ledger held against those of its egresses as
 * they are now.  Its daemon asks for the egress's rows of its calls over the
 * link, page by page; they go into a spool beside an export of its own store,
 * and the two are compared as any other exports.  For main threads.
 */
#include "common/base/command.h"

struct crosscheck_options {
	const char *state, *parent, *from, *to, *month;
	const char *topology, *operator_key;
	bool json;
};

#define CROSSCHECK_TEXT(type, member, word, field, value, help)                \
	{                                                                      \
		word, value, OPTION_TEXT, offsetof(type, member.field), false, \
		    0, 0, help                                                 \
	}
#define CROSSCHECK_OPTIONS(type, member)                                       \
	CROSSCHECK_TEXT(type, member, "parent", parent, "NAME",                \
	    "live: this egress; default: all of the node's"),                  \
	    CROSSCHECK_TEXT(type, member, "month", month, "MONTH",             \
		"live: a whole month: 2026-11; default: all there is")

/* Gives the exit status: 0, all agree. */
int crosscheck_run(const struct crosscheck_options *o);
