#include "common/cmd/note.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/format/json.h"
#include "common/member/identity.h"
#include "common/store/trail.h"

#define BODY_MAX 4096

static void
complain(const char *action)
{
	fprintf(stderr, "%s: it is done, but not in the audit log\n", action);
}

/* The row of what this command did; `actor` is where its text lies. */
#define ACTOR_CHARS 32
static struct audit_row
row_of(char actor[ACTOR_CHARS], const char *action, struct slice what,
    bool done)
{
	snprintf(actor, ACTOR_CHARS, "operator (uid %u)", (unsigned)getuid());
	return (struct audit_row){ .at = clock_wall_us(),
		.actor = slice_of(actor),
		.action = slice_of(action),
		.what = what,
		.outcome = slice_of(done ? "done" : "failed") };
}

void
note_write(struct ledger *l, const struct identity *member, const char *action,
    struct slice what, bool done)
{
	struct trail *t = trail_open(l, member->key);
	char actor[ACTOR_CHARS];
	struct audit_row row = row_of(actor, action, what, done);

	if (!trail_put(t, &row))
		complain(action);
	trail_close(t);
}

void
note_here(struct ledger *l, const char *state_dir, const char *action,
    const char *what, bool done)
{
	struct identity member;
	struct buf why;

	buf_init(&why, BODY_MAX);
	if (identity_open(&member, state_dir, &why)) {
		note_write(l, &member, action, slice_of(what), done);
		identity_close(&member);
	} else {
		complain(action);
	}
	buf_fini(&why);
}

static void
write_offline(const char *state_dir, const char *action, const char *what)
{
	struct ledger *l = ledger_open(state_dir, false);

	if (l != NULL)
		note_here(l, state_dir, action, what, true);
	else
		complain(action);
	ledger_close(l);
}

static enum asked
tell_daemon(const char *state_dir, const char *action, const char *what)
{
	struct json_writer w = { 0 };
	struct buf body;
	enum asked asked;

	buf_init(&body, BODY_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "action", slice_of(action));
	json_field_text(&w, "what", slice_of(what));
	json_close(&w, '}');
	asked = ask_daemon(state_dir, "POST", "/admin/note", buf_slice(&body));
	buf_fini(&body);
	if (asked != ASKED_OK && asked != ASKED_NOBODY)
		complain(action);
	return asked;
}

void
note_tell(const char *state_dir, const char *action, const char *what)
{
	if (tell_daemon(state_dir, action, what) == ASKED_NOBODY)
		write_offline(state_dir, action, what);
}

void
note_read(const char *state_dir, const char *action, const char *what)
{
	(void)tell_daemon(state_dir, action, what);
}

void
note_leave(const char *state_dir, const char *action, const char *what)
{
	struct ledger *l = ledger_open(state_dir, false);
	char actor[ACTOR_CHARS];
	struct audit_row row = row_of(actor, action, slice_of(what), true);

	if (l == NULL || !trail_hold(l, TRAIL_PLACE_COMMAND, &row) ||
	    ledger_sync(l) != DB_OK)
		complain(action);
	ledger_close(l);
}
