#pragma once
/*
 * hosted: leaving out of a request what the provider would run: a group may
 * wish it, so that clients which always list such tools can be served by
 * anyone.  Pure.
 */
#include "common/base/slice.h"

struct edits;
struct look;

/*
 * Cut those tools, and with the last tool all that only makes sense with one.
 * Tools by MCP stay if mcp_allowed.  Gives false and *why (a constant) when
 * the request insists on such a tool; *dropped tells whether there was any.
 */
must_check bool hosted_drop(struct edits *e, const struct look *look,
    bool mcp_allowed, bool *dropped, const char **why);
