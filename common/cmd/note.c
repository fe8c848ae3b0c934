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

void
note_write(struct ledger *l, const struct identity *member, const char *action,
    struct slice what, bool done)
{
	struct trail *t = trail_open(l, member->key);
	char actor[32];
	struct audit_row row = { .at = clock_wall_us(),
		.action = slice_of(action),
		.what = what,
		.outcome = slice_of(done ? "done" : "failed") };

	snprintf(actor, sizeof(actor), "operator (uid %u)", (unsigned)getuid());
	row.actor = slice_of(actor);
	if (!trail_put(t, &row))
		complain(action);
	trail_close(t);
}

static bool
has_store(const char *state_dir)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/store", state_dir);
	return access(path, F_OK) == 0;
}

static void
write_offline(const char *state_dir, const char *action, const char *what)
{
	struct identity member;
	struct ledger *l = NULL;
	struct buf why;

	if (!has_store(state_dir))
		return;
	buf_init(&why, BODY_MAX);
	if (identity_open(&member, state_dir, &why)) {
		l = ledger_open(state_dir, false);
		if (l != NULL)
			note_write(l, &member, action, slice_of(what), true);
		ledger_close(l);
		identity_close(&member);
	}
	if (l == NULL)
		complain(action);
	buf_fini(&why);
}

void
note_tell(const char *state_dir, const char *action, const char *what)
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
	if (asked == ASKED_NOBODY)
		write_offline(state_dir, action, what);
	else if (asked != ASKED_OK)
		complain(action);
}
