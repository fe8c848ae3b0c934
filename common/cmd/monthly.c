#include "common/cmd/monthly.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/cmd/ask.h"
#include "common/cmd/note.h"
#include "common/format/json.h"
#include "common/member/identity.h"
#include "common/report/monthend.h"
#include "common/store/closure.h"

#define BODY_MAX 8192
#define OUT_MAX  (2 * CLOSURE_MAX)
#define BY_CHARS 64

static enum asked
ask(const struct monthly_options *o)
{
	struct json_writer w = { 0 };
	struct buf body;
	enum asked asked;

	buf_init(&body, BODY_MAX);
	w.out = &body;
	json_open(&w, '{');
	json_field_text(&w, "month", slice_of(o->month));
	if (o->unvouched)
		json_field_text(&w, "unvouched", slice_of("yes"));
	json_close(&w, '}');
	asked = ask_daemon(o->state, "POST", "/admin/report/final",
	    buf_slice(&body));
	buf_fini(&body);
	return asked;
}

static const struct public_key *
key_of(void *arg, struct slice egress, size_t which)
{
	const struct topology *t = arg;
	const struct member *m = mesh_member(&t->mesh, egress);

	return m != NULL && which < m->keys_count ? &m->keys[which] : NULL;
}

static int
close_store(const struct monthly_options *o, const struct identity *id,
    struct topology *t, int64_t month)
{
	struct ledger *l = ask_own_store(o->state);
	struct monthend_wish wish = {
		.ledger = l,
		.program = o->program,
		.mesh = slice_of(id->mesh),
		.member = slice_of(id->name),
		.topology = slice_of(t->hash_text),
		.mesh_version = t->mesh_version,
		.node_version = t->node_version,
		.egress = id->role != ROLE_NODE,
		.month = month,
		.now_us = clock_wall_us(),
		.unvouched = o->unvouched,
		.key = id->key,
		.key_of = key_of,
		.arg = t,
	};
	char by[BY_CHARS];
	enum monthend end;
	struct buf out;

	if (l == NULL)
		return 1;
	snprintf(by, sizeof(by), "operator (uid %u)", (unsigned)getuid());
	wish.by = slice_of(by);
	buf_init(&out, OUT_MAX);
	end = monthend_close(&wish, &out);
	if (end == MONTHEND_CLOSED)
		note_write(l, id, "month closed", slice_of(o->month), true);
	ledger_close(l);
	fwrite(out.data, 1, out.len,
	    end == MONTHEND_CLOSED || end == MONTHEND_BEFORE ? stdout : stderr);
	buf_fini(&out);
	return end == MONTHEND_CLOSED || end == MONTHEND_BEFORE ? 0 : 1;
}

/* One that is closed is shown by its bytes alone. */
static bool
show_closed(const char *state, int64_t month)
{
	struct ledger *l = ask_store(state);
	struct closure closure;
	struct buf bytes, out;
	bool found = false;

	if (l == NULL)
		return false;
	buf_init(&bytes, CLOSURE_MAX);
	buf_init(&out, OUT_MAX);
	found = closure_find(ledger_db(l), month, &bytes, &closure);
	if (found)
		closure_write(&closure, &out);
	fwrite(out.data, 1, out.len, stdout);
	buf_fini(&bytes);
	buf_fini(&out);
	ledger_close(l);
	return found;
}

static int
close_offline(const struct monthly_options *o, int64_t month, struct buf *why)
{
	struct identity identity;
	struct topology_pin pin;
	struct topology *t;
	int status = 1;

	if (show_closed(o->state, month))
		return 0;
	if (o->topology == NULL) {
		buf_printf(why,
		    "no daemon runs on %s: start it, or give --topology DIR, "
		    "whose mesh.yaml names the egresses' public keys\n",
		    o->state);
		return 1;
	}
	if (!identity_open(&identity, o->state, why))
		return 1;
	identity_pin(&identity, &pin);
	t = topology_load(o->topology, &pin, why);
	if (t != NULL)
		status = close_store(o, &identity, t, month);
	topology_release(t);
	identity_close(&identity);
	return status;
}

int
monthly_close(const struct monthly_options *o)
{
	enum asked asked;
	int64_t month;
	struct buf why;
	int status = 2;

	buf_init(&why, BODY_MAX);
	if (monthend_month(slice_of(o->month), &month, &why)) {
		asked = ask(o);
		status = asked == ASKED_OK ? 0 : 1;
		if (asked == ASKED_NOBODY)
			status = close_offline(o, month, &why);
	}
	fprintf(stderr, "%s", buf_text(&why));
	buf_fini(&why);
	return status;
}
