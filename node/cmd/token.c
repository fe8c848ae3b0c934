#include <stdio.h>

#include "common/cmd/ask.h"
#include "common/cmd/offline.h"
#include "common/cmd/shared.h"
#include "common/cmd/steward.h"
#include "common/format/json.h"
#include "node/caller.h"
#include "node/cmd/commands.h"

#define BODY_MAX (64 * 1024)

/* A caller's token, or with roles an admin's. */
struct options {
	struct steward_options steward; /* what both have is in here */
	const char *user, *environment, *tier, *groups;
	bool json, admin;
};

#define ADMIN_OPTION(help)                                                     \
	{                                                                      \
		"admin", NULL, OPTION_FLAG, offsetof(struct options, admin),   \
		    false, 0, 0, help                                          \
	}

static const struct option_spec create_specs[] = {
	STATE_OPTION_AT(struct options, steward.state),
	{ "groups", "A,B", OPTION_TEXT, offsetof(struct options, groups), false,
	    0, 0, "a caller's token: model groups that it may use" },
	ROLE_OPTION(struct options, steward.roles),
	TEAM_OPTION(struct options, steward.teams),
	{ "user", "NAME", OPTION_TEXT, offsetof(struct options, user), false, 0,
	    0, "whom its requests are counted for" },
	{ "project", "NAME", OPTION_LIST,
	    offsetof(struct options, steward.projects), false, 0, 0,
	    "which project they are counted for; a report-admin sees this "
	    "project's rows only" },
	{ "environment", "NAME", OPTION_TEXT,
	    offsetof(struct options, environment), false, 0, 0,
	    "a word for reports: production, staging …" },
	{ "tier", "NAME", OPTION_TEXT, offsetof(struct options, tier), false, 0,
	    0,
	    "whose limits it has, of the node file's tiers; default: none "
	    "of its own" },
	{ "expires", "TIME", OPTION_TEXT,
	    offsetof(struct options, steward.expires), false, 0, 0,
	    "after that long: 12h, 30d; default: never" },
};

static const struct option_spec list_specs[] = {
	ADMIN_OPTION("of admins; else of callers"),
	STATE_OPTION_AT(struct options, steward.state),
	JSON_OPTION(struct options),
};

static const struct option_spec revoke_specs[] = {
	ADMIN_OPTION("an admin's; else a caller's"),
	STATE_OPTION_AT(struct options, steward.state),
};

static void
split_groups(struct slice list, struct caller_wish *wish)
{
	struct slice name;

	while (list.len > 0 && wish->groups_count < CALLER_GROUPS_MAX) {
		name = slice_cut(&list, ',');
		if (name.len > 0)
			wish->groups[wish->groups_count++] = name;
	}
}

static void
write_body(struct buf *body, const struct caller_wish *wish)
{
	struct json_writer w = { .out = body };

	json_open(&w, '{');
	json_field_text(&w, "name", wish->name);
	json_field_text(&w, "user", wish->user);
	json_field_text(&w, "project", wish->project);
	json_field_text(&w, "tier", wish->tier);
	json_field_text(&w, "environment", wish->environment);
	json_field_int(&w, "expires_us", wish->expires_us);
	json_field_texts(&w, "groups", wish->groups, wish->groups_count);
	json_close(&w, '}');
}

static struct callers *
open_callers(const struct offline *off)
{
	return callers_open(off->ledger, off->identity.key);
}

static bool
create(const void *arg, const struct offline *off, struct buf *out)
{
	struct callers *callers = open_callers(off);
	char token[TOKEN_CHARS];
	bool made = callers_create(callers, arg, token, out);

	if (made)
		buf_printf(out, "%s\n", token);
	crypto_wipe(token, sizeof(token));
	callers_close(callers);
	return made;
}

static bool
list(const void *arg, const struct offline *off, struct buf *out)
{
	const bool *json = arg;
	struct callers *callers = open_callers(off);

	callers_list(callers, *json, out);
	callers_close(callers);
	return true;
}

static bool
revoke(const void *arg, const struct offline *off, struct buf *out)
{
	struct callers *callers = open_callers(off);
	bool revoked = callers_revoke(callers, slice_of(arg), out);

	if (revoked)
		buf_puts(out, "revoked\n");
	callers_close(callers);
	return revoked;
}

/* Which of the two it is; NULL, or what is wrong with that. */
static const char *
fault_of(const struct options *o)
{
	const struct steward_options *s = &o->steward;
	bool admin = s->roles.count > 0;

	if (admin == (o->groups != NULL))
		return "say --groups A,B for a caller's token, or --role ROLE "
		       "for an admin's";
	if (admin && (o->user != NULL || o->tier != NULL))
		return "--user and --tier are of callers' tokens";
	if (!admin && s->teams.count > 0)
		return "--team is of admin tokens";
	if (!admin && s->projects.count > 1)
		return "a caller has one --project";
	return NULL;
}

static int
run_create(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct caller_wish wish = { .name = slice_of(operands[0]),
		.user = slice_of(o->user),
		.project = slice_of(o->steward.projects.items[0]),
		.environment = slice_of(o->environment),
		.tier = slice_of(o->tier) };
	const struct deed deed = { .action = "token create",
		.what = wish.name,
		.act = create,
		.arg = &wish };
	const char *fault = fault_of(o);
	enum asked asked;
	struct buf body;

	(void)count;
	if (fault != NULL) {
		fprintf(stderr, "%s\n", fault);
		return 2;
	}
	if (o->groups == NULL)
		return steward_create(&o->steward, operands[0]);
	if (!steward_expiry(o->steward.expires, &wish.expires_us))
		return 2;
	split_groups(slice_of(o->groups), &wish);
	buf_init(&body, BODY_MAX);
	write_body(&body, &wish);
	asked = ask_daemon(o->steward.state, "POST", "/admin/tokens",
	    buf_slice(&body));
	buf_fini(&body);
	if (asked == ASKED_NOBODY)
		return offline_do(o->steward.state, &deed);
	return asked == ASKED_OK ? 0 : 1;
}

static int
run_list(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const struct deed deed = { .act = list, .arg = &o->json };
	enum asked asked;

	(void)count;
	(void)operands;
	if (o->admin)
		return steward_list(o->steward.state, o->json);
	asked = ask_daemon(o->steward.state, "GET",
	    o->json ? "/admin/tokens?format=json" : "/admin/tokens",
	    slice_make(NULL, 0));
	if (asked == ASKED_NOBODY)
		return offline_do(o->steward.state, &deed);
	return asked == ASKED_OK ? 0 : 1;
}

static int
run_revoke(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	const struct deed deed = { .action = "token revoke",
		.what = slice_of(operands[0]),
		.act = revoke,
		.arg = operands[0] };
	enum asked asked;

	(void)count;
	if (o->admin)
		return steward_revoke(o->steward.state, operands[0]);
	asked =
	    ask_by_name(o->steward.state, "/admin/tokens/revoke", operands[0]);
	if (asked == ASKED_NOBODY)
		return offline_do(o->steward.state, &deed);
	return asked == ASKED_OK ? 0 : 1;
}

const struct command cmd_token_create = {
	.name = "token create",
	.operands = "NAME",
	.summary = "make a caller's or an admin's token; it is shown once",
	.text =
	    "Only a keyed hash of the token is kept.  It is in force at once "
	    "on a running node.\nA caller's (gsr_…) is for models: --groups.  "
	    "An admin's (gsra_…) is for the operator\nlistener: --role, which "
	    "may be repeated; each role is given by itself.\n\n"
	    "Example:  gsr-node token create ci --groups assistant \\\n"
	    "            --user svc-ci --state /var/lib/gsr\n"
	    "          gsr-node token create finance --role report-admin \\\n"
	    "            --project checkout --expires 30d --state "
	    "/var/lib/gsr",
	.options = create_specs,
	.options_count = count_of(create_specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_create,
};

const struct command cmd_token_list = {
	.name = "token list",
	.summary = "all tokens: whose, which groups, since when",
	.text = "Never shows tokens or their hashes.",
	.options = list_specs,
	.options_count = count_of(list_specs),
	.options_bytes = sizeof(struct options),
	.run = run_list,
};

const struct command cmd_token_revoke = {
	.name = "token revoke",
	.operands = "NAME",
	.summary = "take a token out of force, now",
	.text = "No worker takes a new request with it from the moment this "
		"returns; requests\nunder way end by themselves.",
	.options = revoke_specs,
	.options_count = count_of(revoke_specs),
	.options_bytes = sizeof(struct options),
	.operands_min = 1,
	.operands_max = 1,
	.run = run_revoke,
};
