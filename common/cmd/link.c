#include "common/cmd/watch.h"

static const struct option_spec specs[] = {
	WATCH_STATE,
	WATCH_FILTER(0, "peer", "NAME", "only to this member"),
	WATCH_END,
};

static const struct watch_view view = { "/admin/links", "how links are",
	{ "peer" }, NULL };

const struct command cmd_get_links = {
	.name = "get links",
	.summary = "each link to another member: up or not, why, what is on it",
	.text =
	    "Of the running daemon.  One line a link: a node has one from "
	    "each worker (lane) to\neach parent.  A link is up, draining, "
	    "connecting, or waiting for its next try, with\nthe last cause; "
	    "at an egress a node that should be there and is not is absent.\n"
	    "'round trip' is that of the last PING, at most half a minute ago; "
	    "'so far' counts\nstreams, in and out bytes since the link is up.  "
	    "'topology' says whether mesh.yaml\nand its fellows are the same "
	    "at both ends, as told when the link came up: 'same\nbefore' is "
	    "what was the same then, and another was loaded here since.  "
	    "Below stands\nwho was not let in, by the name that he claims.\n\n"
	    "Example:  gsr-node get links --watch --state /var/lib/gsr\n"
	    "          gsr-egress get links --peer payments --json --state "
	    "/var/lib/gsr",
	WATCH_COMMAND(specs, view),
};
