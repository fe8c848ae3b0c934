#include "common/member/backup.h"

#include <stdio.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/cmd/ask.h"
#include "common/cmd/note.h"
#include "common/cmd/shared.h"
#include "common/format/json.h"
#include "common/format/table.h"
#include "common/store/ledger.h"

#define WHY_MAX  (64 * 1024)
#define BODY_MAX 8192
#define JOB      "/admin/backup"

struct options {
	const char *state, *out, *from;
	bool with_identity;
};

static const struct option_spec backup_specs[] = {
	STATE_OPTION(struct options),
	{ "out", "DIR", OPTION_TEXT, offsetof(struct options, out), true, 0, 0,
	    "a new directory for the backup" },
	{ "with-identity", NULL, OPTION_FLAG,
	    offsetof(struct options, with_identity), false, 0, 0,
	    "identity.key and master.key too: whoever has it is the member" },
};

static const struct option_spec verify_specs[] = {
	{ "from", "DIR", OPTION_TEXT, offsetof(struct options, from), true, 0,
	    0, "the backup" },
};

static const struct option_spec restore_specs[] = {
	{ "state", "DIR", OPTION_TEXT, offsetof(struct options, state), true, 0,
	    0, "the new state directory: not there yet, or empty" },
	{ "from", "DIR", OPTION_TEXT, offsetof(struct options, from), true, 0,
	    0, "the backup" },
};

static void
print_sum(const struct backup_manifest *m, const char *what)
{
	int64_t bytes = 0;
	struct buf out;
	size_t i;

	for (i = 0; i < m->count; i++)
		bytes += m->files[i].bytes;
	buf_init(&out, WHY_MAX);
	buf_printf(&out, "%s: %s %s of mesh %s as of ", what,
	    m->role == ROLE_NODE ? "node" : "egress", m->member, m->mesh);
	cell_write(&out, CELL_TIME, m->made_us);
	buf_printf(&out, ", %zu files, ", m->count);
	cell_write(&out, CELL_BYTES, bytes);
	buf_printf(&out, ", %s its keys\n",
	    backup_has_identity(m) ? "with" : "without");
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&out);
}

/* Without a daemon: the store is this command's own meanwhile. */
static bool
copy_here(const struct backup *b)
{
	char dir[sizeof(b->dir) + sizeof("/store")];
	struct ledger *l = ask_own_store(b->state_dir);
	bool copied;

	if (l == NULL)
		return false;
	snprintf(dir, sizeof(dir), "%s/store", b->dir);
	copied = db_checkpoint(ledger_db(l), dir);
	note_here(l, b->state_dir, "backup", b->dir, copied);
	ledger_close(l);
	return copied;
}

static bool
copy_store(const struct backup *b)
{
	char dir[sizeof(b->dir) + sizeof("/store")];
	struct json_writer w = { 0 };
	enum asked asked;
	struct buf body;

	snprintf(dir, sizeof(dir), "%s/store", b->dir);
	buf_init(&body, BODY_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "dir", slice_of(dir));
	json_close(&w, '}');
	asked = ask_job(b->state_dir, JOB, buf_slice(&body), JOB);
	buf_fini(&body);
	return asked == ASKED_NOBODY ? copy_here(b) : asked == ASKED_OK;
}

static int
end(bool good, struct backup_manifest *m, struct buf *why, const char *what)
{
	if (good)
		print_sum(m, what);
	fprintf(stderr, "%s", buf_text(why));
	backup_manifest_fini(m);
	buf_fini(why);
	return good ? 0 : 1;
}

static int
run_backup(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct backup b = { .state_dir = o->state,
		.with_identity = o->with_identity };
	struct backup_manifest m = { .count = 0 };
	struct identity id;
	struct buf why;
	bool good;

	(void)count;
	(void)operands;
	buf_init(&why, WHY_MAX);
	/* A wrong --state is told before anything is made. */
	good = identity_open(&id, o->state, &why);
	if (good)
		identity_close(&id);
	good = good && backup_begin(&b, o->out, &why) && copy_store(&b) &&
	       backup_finish(&b, &m, &why);
	return end(good, &m, &why, "backed up");
}

static int
run_verify(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct backup_manifest m;
	struct buf why;

	(void)count;
	(void)operands;
	buf_init(&why, WHY_MAX);
	return end(backup_verify(o->from, &m, &why), &m, &why,
	    "all is as it was written");
}

static int
run_restore(const void *options, int count, char *const *operands)
{
	const struct options *o = options;
	struct backup_manifest m;
	struct buf why;
	bool good;

	(void)count;
	(void)operands;
	buf_init(&why, WHY_MAX);
	good = backup_restore(o->from, o->state, &m, &why);
	if (good)
		note_leave(o->state, "restore", o->from);
	if (good && !backup_has_identity(&m))
		buf_printf(&why,
		    "put the member's identity.key and master.key into %s, of "
		    "mode 0600, before it serves\n",
		    o->state);
	return end(good, &m, &why, "restored");
}

const struct command cmd_backup = {
	.name = "backup",
	.summary = "copy the state directory as it is now, while it serves",
	.text =
	    "All rows that were written before it began are in it.  The store "
	    "is linked where\n--out is on the same disk, so that takes no "
	    "room at first: copy it to another\nmachine.  Without "
	    "--with-identity the keys stay behind, and what is sealed in the\n"
	    "backup is of no use to whoever finds it.  A directory without "
	    "manifest.json is no\nbackup: it was cut short.\n\n"
	    "Example:  backup --out /backup/payments-2026-11-26 "
	    "--state /var/lib/gsr",
	.options = backup_specs,
	.options_count = count_of(backup_specs),
	.options_bytes = sizeof(struct options),
	.run = run_backup,
};

const struct command cmd_backup_verify = {
	.name = "backup verify",
	.summary = "is a backup whole, and every file as it was written?",
	.text = "Needs nothing but the backup.  Exit status 0: it is.\n\n"
		"Example:  backup verify --from /backup/payments-2026-11-26",
	.options = verify_specs,
	.options_count = count_of(verify_specs),
	.options_bytes = sizeof(struct options),
	.run = run_verify,
};

const struct command cmd_restore = {
	.name = "restore",
	.summary = "make a state directory of a backup",
	.text =
	    "Every file is checked while it is copied; the directory is there "
	    "as a whole or not\nat all, and one that has anything in it is "
	    "never touched.  Be sure that the member\ndoes not run elsewhere: "
	    "two processes with one identity spoil each other's books.\n\n"
	    "Example:  restore --from /backup/payments-2026-11-26 "
	    "--state /var/lib/gsr",
	.options = restore_specs,
	.options_count = count_of(restore_specs),
	.options_bytes = sizeof(struct options),
	.run = run_restore,
};
