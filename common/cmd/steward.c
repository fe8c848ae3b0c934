#include "common/cmd/steward.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/offline.h"
#include "common/format/moment.h"
#include "common/member/appointment.h"
#include "common/member/steward.h"

#define BODY_MAX (64 * 1024)
#define PATH     "/admin/admin-tokens"

/* "a,b" as well as each by itself; false: too many. */
static bool
split(const struct option_list *list, struct slice *names, size_t *count)
{
	struct slice rest, name;
	size_t i;

	for (i = 0; i < list->count; i++) {
		rest = slice_of(list->items[i]);
		while (rest.len > 0) {
			name = slice_cut(&rest, ',');
			if (*count == STEWARD_NAMES_MAX)
				return false;
			if (name.len > 0)
				names[(*count)++] = name;
		}
	}
	return true;
}

static bool
read_roles(const struct steward_options *o, struct steward_wish *wish)
{
	struct slice names[STEWARD_NAMES_MAX];
	size_t count = 0, i;

	if (!split(&o->roles, names, &count) ||
	    !split(&o->teams, wish->teams, &wish->teams_count) ||
	    !split(&o->projects, wish->projects, &wish->projects_count)) {
		fprintf(stderr, "at most %d names each\n", STEWARD_NAMES_MAX);
		return false;
	}
	for (i = 0; i < count; i++) {
		if (role_bit(names[i]) == 0) {
			enum admin_role r;

			fprintf(stderr, "no role is named '%.*s'; roles:\n",
			    SLICE_FMT(names[i]));
			for (r = 0; r < ADMIN_ROLES; r++)
				fprintf(stderr, "  %-14s %s\n", role_name(r),
				    role_meaning(r));
			return false;
		}
		wish->roles |= role_bit(names[i]);
	}
	return true;
}

bool
steward_expiry(const char *text, int64_t *expires_us)
{
	int64_t span_us;

	*expires_us = 0;
	if (text == NULL)
		return true;
	if (!span_read(slice_of(text), &span_us)) {
		fprintf(stderr,
		    "--expires is a number and s, m, h or d: 30d\n");
		return false;
	}
	*expires_us = clock_wall_us() + span_us;
	return true;
}

static struct stewards *
open_stewards(const struct offline *off)
{
	return stewards_open(off->ledger, off->identity.key);
}

static bool
create(const void *arg, const struct offline *off, struct buf *out)
{
	struct stewards *stewards = open_stewards(off);
	char token[TOKEN_CHARS];
	bool made = stewards_create(stewards, arg, token, out);

	if (made)
		buf_printf(out, "%s\n", token);
	crypto_wipe(token, sizeof(token));
	stewards_close(stewards);
	return made;
}

static int
create_offline(const char *state_dir, const struct steward_wish *wish)
{
	struct deed deed = { .action = "token create --role",
		.act = create,
		.arg = wish };
	struct buf what;
	int status;

	buf_init(&what, BODY_MAX);
	buf_printf(&what, "%.*s: ", SLICE_FMT(wish->name));
	roles_put(&what, wish->roles, ", ");
	deed.what = buf_slice(&what);
	status = offline_do(state_dir, &deed);
	buf_fini(&what);
	return status;
}

int
steward_create(const struct steward_options *o, const char *name)
{
	struct steward_wish wish = { .name = slice_of(name),
		.by = slice_of("operator") };
	enum asked asked;
	struct buf body;

	if (!steward_expiry(o->expires, &wish.expires_us) ||
	    !read_roles(o, &wish))
		return 2;
	buf_init(&body, BODY_MAX);
	appointment_put(&body, &wish);
	asked = ask_daemon(o->state, "POST", PATH, buf_slice(&body));
	buf_fini(&body);
	if (asked == ASKED_NOBODY)
		return create_offline(o->state, &wish);
	return asked == ASKED_OK ? 0 : 1;
}

static bool
list(const void *arg, const struct offline *off, struct buf *out)
{
	const bool *json = arg;
	struct stewards *stewards = open_stewards(off);

	stewards_list(stewards, *json, out);
	stewards_close(stewards);
	return true;
}

int
steward_list(const char *state_dir, bool json)
{
	const struct deed deed = { .act = list, .arg = &json };
	enum asked asked = ask_daemon(state_dir, "GET",
	    json ? PATH "?format=json" : PATH, slice_make(NULL, 0));

	if (asked == ASKED_NOBODY)
		return offline_do(state_dir, &deed);
	return asked == ASKED_OK ? 0 : 1;
}

static bool
revoke(const void *arg, const struct offline *off, struct buf *out)
{
	struct stewards *stewards = open_stewards(off);
	bool revoked = stewards_revoke(stewards, slice_of(arg), out);

	if (revoked)
		buf_puts(out, "revoked\n");
	stewards_close(stewards);
	return revoked;
}

int
steward_revoke(const char *state_dir, const char *name)
{
	const struct deed deed = { .action = "token revoke --admin",
		.what = slice_of(name),
		.act = revoke,
		.arg = name };
	enum asked asked = ask_by_name(state_dir, PATH "/revoke", name);

	if (asked == ASKED_NOBODY)
		return offline_do(state_dir, &deed);
	return asked == ASKED_OK ? 0 : 1;
}
