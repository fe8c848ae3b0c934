#include "common/cmd/offline.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/cmd/note.h"
#include "common/store/ledger.h"

#define WHY_MAX (64 * 1024)
#define OUT_MAX (4 * 1024 * 1024)

static bool
open_offline(struct offline *off, const char *state_dir)
{
	struct buf why;
	bool known;

	buf_init(&why, WHY_MAX);
	known = identity_open(&off->identity, state_dir, &why);
	if (!known)
		fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	if (!known)
		return false;
	off->ledger = ledger_open(state_dir, false);
	if (off->ledger == NULL)
		identity_close(&off->identity);
	return off->ledger != NULL;
}

int
offline_do(const char *state_dir, const struct deed *deed)
{
	struct offline off;
	struct buf out;
	bool done;

	if (!open_offline(&off, state_dir))
		return 1;
	buf_init(&out, OUT_MAX);
	done = deed->act(deed->arg, &off, &out);
	if (deed->action != NULL)
		note_write(off.ledger, &off.identity, deed->action, deed->what,
		    done);
	fwrite(out.data, 1, out.len, done ? stdout : stderr);
	/* A new token may be in it. */
	if (out.len > 0)
		crypto_wipe(out.data, out.len);
	buf_fini(&out);
	ledger_close(off.ledger);
	identity_close(&off.identity);
	return done ? 0 : 1;
}
