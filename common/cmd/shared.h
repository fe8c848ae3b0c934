#pragma once
/*
 * shared: the subcommands that gsr-node and gsr-egress have alike.  Each is
 * one file; the tables of both main.c list them.
 */
#include "common/base/command.h"

struct process_app;

extern const struct command cmd_secret_set;
extern const struct command cmd_secret_list;
extern const struct command cmd_secret_remove;
extern const struct command cmd_get_requests; /* a node's */
extern const struct command cmd_get_attempts; /* an egress's requests */
extern const struct command cmd_get_counters;
extern const struct command cmd_get_metrics;
extern const struct command cmd_explain;
extern const struct command cmd_ledger_verify;
extern const struct command cmd_reload;
extern const struct command cmd_reference;

/* `serve` is the daemon: its options, for the table of each main.c. */
struct serve_options {
	const char *state, *topology, *master_key, *log_level;
	int64_t workers, drain_s;
};
extern const struct option_spec serve_specs[];
extern const size_t serve_specs_count;
int serve_run(const struct process_app *app, const struct serve_options *o);

/* --state DIR, which every command has. */
#define STATE_OPTION(type)                                                     \
	{                                                                      \
		"state", "DIR", OPTION_TEXT, offsetof(type, state), true, 0,   \
		    0, "the member's state directory"                          \
	}
#define JSON_OPTION(type)                                                      \
	{                                                                      \
		"json", NULL, OPTION_FLAG, offsetof(type, json), false, 0, 0,  \
		    "for programs"                                             \
	}
