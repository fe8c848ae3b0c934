#pragma once
/*
 * shared: the subcommands that gsr-node and gsr-egress have alike.  Each is
 * one file; the tables of both main.c list them.
 */
#include "common/base/command.h"

struct process_app;

extern const struct command cmd_secret_set;
extern const struct command cmd_secret_rotate;
extern const struct command cmd_secret_list;
extern const struct command cmd_secret_remove;
extern const struct command cmd_get_requests; /* a node's */
extern const struct command cmd_get_attempts; /* an egress's requests */
extern const struct command cmd_get_counters;
extern const struct command cmd_get_metrics;
extern const struct command cmd_get_events;
extern const struct command cmd_report_requests; /* a node's */
extern const struct command cmd_report_attempts; /* an egress's */
extern const struct command cmd_get_node_prices;
extern const struct command cmd_get_egress_prices;
extern const struct command cmd_get_links;
extern const struct command cmd_explain;
extern const struct command cmd_ledger_verify;
extern const struct command cmd_ledger_export;
extern const struct command cmd_ledger_reconcile;
extern const struct command cmd_get_audit;
extern const struct command cmd_audit_verify;
extern const struct command cmd_admin_token_create; /* these: an egress's */
extern const struct command cmd_admin_token_list;
extern const struct command cmd_admin_token_revoke;
extern const struct command cmd_reload;
extern const struct command cmd_reference;

/* `explain` of what is stored, for a program that explains more. */
struct explain_options {
	const char *state;
	bool last, json;
};
int explain_run(const struct explain_options *o, int count,
    char *const *operands);

/* `serve` is the daemon: its options, for the table of each main.c. */
struct serve_options {
	const char *state, *topology, *master_key, *log_level;
	int64_t workers, drain_s;
};
extern const struct option_spec serve_specs[];
extern const size_t serve_specs_count;
int serve_run(const struct process_app *app, const struct serve_options *o);

/* --state DIR, which every command has. */
#define STATE_OPTION(type) STATE_OPTION_AT(type, state)
#define STATE_OPTION_AT(type, member)                                          \
	{                                                                      \
		"state", "DIR", OPTION_TEXT, offsetof(type, member), true, 0,  \
		    0, "the member's state directory"                          \
	}
#define JSON_OPTION(type)                                                      \
	{                                                                      \
		"json", NULL, OPTION_FLAG, offsetof(type, json), false, 0, 0,  \
		    "for programs"                                             \
	}
/* The options of explain_run; `member` is a struct explain_options. */
#define EXPLAIN_OPTIONS(type, member)                                          \
	STATE_OPTION_AT(type, member.state),                                   \
	    { "last", NULL, OPTION_FLAG, offsetof(type, member.last), false,   \
		    0, 0, "the newest request, instead of an id" },            \
	{                                                                      \
		"json", NULL, OPTION_FLAG, offsetof(type, member.json), false, \
		    0, 0, "for programs"                                       \
	}
