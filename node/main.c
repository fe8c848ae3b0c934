#include <stdio.h>

#include "common/base/version.h"
#include "common/cmd/roles.h"
#include "common/cmd/shared.h"
#include "node/cmd/commands.h"
#include "node/node.h"

static int
run_serve(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return serve_run(&node_app, options);
}

static int
run_roles(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return roles_run(&node_app, options);
}

static const struct command roles = {
	.name = "reference roles",
	.summary = "which role is answered what by the operator "
		   "listener, as Markdown",
	.text = "From the tables that the daemon itself uses.",
	.options = roles_specs,
	.options_count = ROLES_SPECS,
	.options_bytes = sizeof(struct roles_options),
	.run = run_roles,
};

static int
run(const struct command *serve, int argc, char **argv)
{
	const struct command *const commands[] = {
		serve,
		&cmd_enroll,
		&cmd_reload,
		&cmd_backup_verify, /* the longer name first */
		&cmd_backup,
		&cmd_restore,
		&cmd_token_create,
		&cmd_token_list,
		&cmd_token_revoke,
		&cmd_secret_set,
		&cmd_secret_rotate,
		&cmd_secret_list,
		&cmd_secret_remove,
		&cmd_get_requests,
		&cmd_get_events,
		&cmd_get_callers,
		&cmd_get_limits,
		&cmd_get_targets,
		&cmd_get_links,
		&cmd_get_node_prices,
		&cmd_get_evidence,
		&cmd_get_counters,
		&cmd_get_metrics,
		&cmd_targets_disable,
		&cmd_targets_enable,
		&cmd_explain_node,
		&cmd_report_requests,
		&cmd_ledger_verify,
		&cmd_ledger_export,
		&cmd_ledger_reconcile,
		&cmd_retention_status,
		&cmd_retention_run,
		&cmd_retention_hold,
		&cmd_get_audit,
		&cmd_audit_verify,
		&cmd_test,
		&cmd_policy_build,
		&cmd_policy_test,
		&cmd_policy_replay,
		&cmd_policy_types,
		&cmd_reference_dialects, /* the longer names first */
		&roles,
		&cmd_reference,
	};
	const struct chapter chapters[] = {
		{ serve, "To run it" },
		{ &cmd_token_create, "Who may use it, and with which keys" },
		{ &cmd_get_requests, "How it stands" },
		{ &cmd_explain_node, "What happened, and what it came to" },
		{ &cmd_test, "Groups and policies, tried" },
		{ &cmd_reference_dialects, "To look up" },
	};
	const struct program program = {
		.name = "gsr-node",
		.about =
		    "The router of a team: OpenAI's and Anthropic's APIs for "
		    "its callers, its own\ngroups, tokens and usage rows, and "
		    "a signed link to the egress that holds the\nprovider "
		    "keys.",
		.version = GSR_VERSION,
		.commands = commands,
		.commands_count = count_of(commands),
		.chapters = chapters,
		.chapters_count = count_of(chapters),
	};

	return program_run(&program, argc, argv);
}

int
main(int argc, char **argv)
{
	const struct command serve = {
		.name = "serve",
		.summary = "run the node until a signal ends it",
		.text =
		    "SIGHUP reloads topology and secrets, SIGTERM drains and "
		    "ends.  Logs are JSON lines\non standard error.\n\n"
		    "Example:  gsr-node serve --state /var/lib/gsr --topology "
		    "/etc/gsr/topology",
		.options = serve_specs,
		.options_count = serve_specs_count,
		.options_bytes = sizeof(struct serve_options),
		.run = run_serve,
	};

	if (!crypto_start()) {
		fprintf(stderr, "the system's randomness cannot be used\n");
		return 1;
	}
	return run(&serve, argc, argv);
}
