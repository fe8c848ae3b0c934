#include <stdio.h>

#include "common/base/version.h"
#include "common/cmd/roles.h"
#include "common/cmd/shared.h"
#include "egress/cmd/commands.h"
#include "egress/egress.h"

static int
run_serve(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return serve_run(&egress_app, options);
}

static int
run_roles(const void *options, int count, char *const *operands)
{
	(void)count;
	(void)operands;
	return roles_run(&egress_app, options);
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
		&cmd_egress_enroll,
		&cmd_reload,
		&cmd_backup_verify, /* the longer name first */
		&cmd_backup,
		&cmd_restore,
		&cmd_secret_set,
		&cmd_secret_rotate,
		&cmd_secret_list,
		&cmd_secret_remove,
		&cmd_admin_token_create,
		&cmd_admin_token_list,
		&cmd_admin_token_revoke,
		&cmd_get_attempts,
		&cmd_get_events,
		&cmd_get_capacity,
		&cmd_get_team_limits,
		&cmd_get_account_targets,
		&cmd_get_links,
		&cmd_get_egress_prices,
		&cmd_get_counters,
		&cmd_get_metrics,
		&cmd_explain,
		&cmd_report_attempts,
		&cmd_ledger_verify,
		&cmd_ledger_export,
		&cmd_ledger_reconcile,
		&cmd_retention_status,
		&cmd_retention_run,
		&cmd_retention_hold,
		&cmd_get_audit,
		&cmd_audit_verify,
		&roles, /* the longer name first */
		&cmd_reference,
	};
	const struct chapter chapters[] = {
		{ serve, "To run it" },
		{ &cmd_secret_set, "Provider keys, and who may look after it" },
		{ &cmd_get_attempts, "How it stands" },
		{ &cmd_explain, "What happened, and what it came to" },
		{ &roles, "To look up" },
	};
	const struct program program = {
		.name = "gsr-egress",
		.about =
		    "The way out of the mesh: holds the provider keys, checks "
		    "what each team may use,\ncalls providers, and signs a "
		    "receipt for every call.",
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
		.summary = "run the egress until a signal ends it",
		.text =
		    "SIGHUP reloads topology and secrets, SIGTERM drains and "
		    "ends.  Logs are JSON lines\non standard error.\n\n"
		    "Example:  gsr-egress serve --state /var/lib/gsr "
		    "--topology /etc/gsr/topology",
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
