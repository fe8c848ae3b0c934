#include "common/member/monthclose.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/member/admin.h"
#include "common/member/inquiry.h"
#include "common/member/process.h"
#include "common/member/sentry.h"
#include "common/report/monthend.h"
#include "common/store/closure.h"

#define ARENA_MAX  (256 * 1024)
#define OUT_MAX    (2 * CLOSURE_MAX)
#define MONTH_TEXT 16

struct monthclose {
	struct inquiry inquiry;
	struct process *process;
	struct topology *topology; /* held: whose keys sign receipts */
	char who[ADMIN_WHO_CHARS];
	char text[MONTH_TEXT];
	int64_t month;
	bool unvouched, closed;
};

/* On the clerk's loop: it is done. */
static void
monthclose_free(struct inquiry *i)
{
	struct monthclose *m = container_of(i, struct monthclose, inquiry);

	if (m->closed) {
		log_info("month closed", log_str("month", m->text),
		    log_str("by", m->who));
		sentry_note_own(m->process, m->who, "month closed",
		    slice_of(m->text), true);
	}
	topology_release(m->topology);
	free(m);
}

static const struct public_key *
key_of(void *arg, struct slice egress, size_t which)
{
	const struct topology *t = arg;
	const struct member *m = mesh_member(&t->mesh, egress);

	return m != NULL && which < m->keys_count ? &m->keys[which] : NULL;
}

static int
work(struct inquiry *i, const atomic_bool *stop)
{
	struct monthclose *m = container_of(i, struct monthclose, inquiry);
	const struct process *p = m->process;
	const struct monthend_wish wish = {
		.ledger = p->ledger,
		.program =
		    p->app->role == ROLE_NODE ? "gsr-node" : "gsr-egress",
		.mesh = slice_of(p->identity.mesh),
		.member = slice_of(p->identity.name),
		.topology = slice_of(m->topology->hash_text),
		.mesh_version = m->topology->mesh_version,
		.node_version = m->topology->node_version,
		.egress = p->app->role != ROLE_NODE,
		.month = m->month,
		.now_us = clock_wall_us(),
		.by = slice_of(m->who),
		.unvouched = m->unvouched,
		.key = p->identity.key,
		.key_of = key_of,
		.arg = m->topology,
		.stop = stop,
	};

	switch (monthend_close(&wish, &i->out)) {
	case MONTHEND_CLOSED:
		m->closed = true;
		return 200;
	case MONTHEND_BEFORE:
		return 200;
	case MONTHEND_OPEN:
		return 409;
	default:
		return 503;
	}
}

static bool
read_wish(struct admin_call *call, struct monthclose *m)
{
	struct arena arena;
	struct slice text;
	bool good;

	arena_init(&arena, ARENA_MAX);
	text = admin_text(call, &arena, "month");
	m->unvouched = slice_is(admin_text(call, &arena, "unvouched"), "yes");
	good = monthend_month(text, &m->month, &call->out);
	if (good) {
		snprintf(m->text, sizeof(m->text), "%.*s", SLICE_FMT(text));
		admin_about(call, text);
	}
	arena_fini(&arena);
	return good;
}

int
monthclose_serve(struct admin_call *call)
{
	struct monthclose *m = xcalloc(1, sizeof(*m));

	m->process = call->process;
	if (!read_wish(call, m)) {
		free(m);
		return 400;
	}
	memcpy(m->who, call->who, sizeof(m->who));
	m->topology = process_topology(call->process);
	buf_init(&m->inquiry.out, OUT_MAX);
	m->inquiry.media_type = "application/json";
	m->inquiry.work = work;
	m->inquiry.free = monthclose_free;
	if (inquiry_send(&m->inquiry, call->process->errands, call->exchange))
		return ADMIN_LATER;
	monthclose_free(&m->inquiry);
	buf_puts(&call->out, "too many reports are waiting; try again soon\n");
	return 503;
}
