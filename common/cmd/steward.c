#include "common/cmd/steward.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/note.h"
#include "common/format/json.h"
#include "common/format/moment.h"
#include "common/member/appointment.h"
#include "common/member/identity.h"
#include "common/member/steward.h"
#include "common/store/ledger.h"

#define BODY_MAX (64 * 1024)
#define OUT_MAX  (4 * 1024 * 1024)
#define PATH     "/admin/admin-tokens"

/* "a,b" as well as each by itself; false: too many. */
static bool
split(const struct option_list *list, struct slice *names, size_t *count)
{
	size_t i, n;

	for (i = 0; i < list->count; i++) {
		const char *at = list->items[i];

		for (; *at != '\0'; at += n + (at[n] == ',')) {
			n = strcspn(at, ",");
			if (*count == STEWARD_NAMES_MAX)
				return false;
			if (n > 0)
				names[(*count)++] = slice_make(at, n);
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

/* Without a daemon the store is ours to change. */
struct offline {
	struct identity identity;
	struct ledger *ledger;
	struct stewards *stewards;
};

static bool
open_offline(struct offline *off, const char *state_dir)
{
	struct buf why;

	*off = (struct offline){ .ledger = NULL };
	buf_init(&why, BODY_MAX);
	if (!identity_open(&off->identity, state_dir, &why)) {
		fprintf(stderr, "%s", buf_text(&why));
		buf_fini(&why);
		return false;
	}
	buf_fini(&why);
	off->ledger = ledger_open(state_dir, false);
	if (off->ledger != NULL)
		off->stewards = stewards_open(off->ledger, off->identity.key);
	else
		identity_close(&off->identity);
	return off->ledger != NULL;
}

static void
close_offline(struct offline *off)
{
	stewards_close(off->stewards);
	ledger_close(off->ledger);
	identity_close(&off->identity);
}

static int
create_offline(const char *state_dir, const struct steward_wish *wish)
{
	char token[STEWARD_TOKEN_CHARS];
	struct offline off;
	struct buf why, what;
	bool made;

	if (!open_offline(&off, state_dir))
		return 1;
	buf_init(&why, BODY_MAX);
	buf_init(&what, BODY_MAX);
	made = stewards_create(off.stewards, wish, token, &why);
	buf_printf(&what, "%.*s: ", SLICE_FMT(wish->name));
	roles_put(&what, wish->roles, ", ");
	note_write(off.ledger, &off.identity, "token create --role",
	    buf_slice(&what), made);
	if (made)
		printf("%s\n", token);
	else
		fprintf(stderr, "%s", buf_text(&why));
	crypto_wipe(token, sizeof(token));
	buf_fini(&what);
	buf_fini(&why);
	close_offline(&off);
	return made ? 0 : 1;
}

int
steward_create(const struct steward_options *o, const char *name)
{
	struct steward_wish wish = { .name = slice_of(name),
		.by = slice_of("operator") };
	int64_t span_us;
	enum asked asked;
	struct buf body;

	if (o->expires != NULL && !span_read(slice_of(o->expires), &span_us)) {
		fprintf(stderr,
		    "--expires is a number and s, m, h or d: 30d\n");
		return 2;
	}
	if (!read_roles(o, &wish))
		return 2;
	if (o->expires != NULL)
		wish.expires_us = clock_wall_us() + span_us;
	buf_init(&body, BODY_MAX);
	appointment_put(&body, &wish);
	asked = ask_daemon(o->state, "POST", PATH, buf_slice(&body));
	buf_fini(&body);
	if (asked == ASKED_NOBODY)
		return create_offline(o->state, &wish);
	return asked == ASKED_OK ? 0 : 1;
}

int
steward_list(const char *state_dir, bool json)
{
	struct offline off;
	struct buf out;
	enum asked asked = ask_daemon(state_dir, "GET",
	    json ? PATH "?format=json" : PATH, slice_make(NULL, 0));

	if (asked != ASKED_NOBODY)
		return asked == ASKED_OK ? 0 : 1;
	if (!open_offline(&off, state_dir))
		return 1;
	buf_init(&out, OUT_MAX);
	stewards_list(off.stewards, json, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
	close_offline(&off);
	return 0;
}

static int
revoke_offline(const char *state_dir, const char *name)
{
	struct offline off;
	struct buf why;
	bool revoked;

	if (!open_offline(&off, state_dir))
		return 1;
	buf_init(&why, BODY_MAX);
	revoked = stewards_revoke(off.stewards, slice_of(name), &why);
	note_write(off.ledger, &off.identity, "token revoke --admin",
	    slice_of(name), revoked);
	fprintf(revoked ? stdout : stderr, "%s",
	    revoked ? "revoked\n" : buf_text(&why));
	buf_fini(&why);
	close_offline(&off);
	return revoked ? 0 : 1;
}

int
steward_revoke(const char *state_dir, const char *name)
{
	struct json_writer w = { 0 };
	struct buf body;
	enum asked asked;

	buf_init(&body, BODY_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "name", slice_of(name));
	json_close(&w, '}');
	asked = ask_daemon(state_dir, "POST", PATH "/revoke", buf_slice(&body));
	buf_fini(&body);
	if (asked == ASKED_NOBODY)
		return revoke_offline(state_dir, name);
	return asked == ASKED_OK ? 0 : 1;
}
