#include "node/extract.h"

#include <pthread.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/export/extract.h"
#include "common/member/admin.h"
#include "common/member/clerk.h"
#include "common/member/inquiry.h"
#include "common/member/process.h"
#include "common/member/worker.h"
#include "common/net/link.h"
#include "common/net/loop.h"
#include "node/node.h"
#include "node/uplink.h"
#include "topology/load.h"

/* Less than a command waits for an answer (common/net/control.c). */
#define ANSWER_US (20 * (int64_t)US_PER_SECOND)
#define TYPE      "application/octet-stream"

struct extracts {
	pthread_mutex_t lock; /* for both lists */
	struct list all;      /* struct question.all */
	struct list answered; /* struct question.link */
};

struct question {
	struct inquiry inquiry; /* the clerk's, but for status and out */
	struct list all, link;
	struct extracts *extracts;
	struct process *process;
	struct extract_line *line; /* that it was sent on */
	char parent[LINK_NAME_MAX + 1];
	struct extract_ask ask;
	uint8_t after[EXTRACT_KEY_MAX];
};

struct extracts *
extracts_new(void)
{
	struct extracts *x = xcalloc(1, sizeof(*x));

	pthread_mutex_init(&x->lock, NULL);
	list_init(&x->all);
	list_init(&x->answered);
	return x;
}

static void
question_free(struct inquiry *i)
{
	struct question *q = container_of(i, struct question, inquiry);

	pthread_mutex_lock(&q->extracts->lock);
	list_remove(&q->all);
	list_remove(&q->link);
	pthread_mutex_unlock(&q->extracts->lock);
	buf_fini(&i->out);
	free(q);
}

void
extracts_free(struct extracts *x)
{
	if (x == NULL)
		return;
	while (!list_empty(&x->all))
		question_free(
		    &container_of(x->all.next, struct question, all)->inquiry);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

/* On the clerk's loop. */
static void
on_answered(void *arg)
{
	struct extracts *x = arg;
	struct list *first;

	do {
		pthread_mutex_lock(&x->lock);
		first = list_pop(&x->answered);
		pthread_mutex_unlock(&x->lock);
		if (first != NULL)
			inquiry_answer(
			    &container_of(first, struct question, link)
				 ->inquiry);
	} while (first != NULL);
}

/* Its text or page is in `out`.  A mailbox that is full (4096 posts) tells
 * with the next one. */
static void
finish(struct question *q, int status)
{
	struct extracts *x = q->extracts;
	struct loop *clerk = clerk_loop(q->process->clerk);

	if (q->line != NULL) {
		q->line->asked = NULL;
		loop_timer_clear(q->line->deadline);
	}
	q->line = NULL;
	q->inquiry.status = status;
	pthread_mutex_lock(&x->lock);
	list_push(&x->answered, &q->link);
	pthread_mutex_unlock(&x->lock);
	if (!loop_post(clerk, on_answered, x))
		log_debug("the clerk takes no more posts");
}

static void
on_deadline(void *arg)
{
	struct extract_line *line = arg;
	struct question *q = line->asked;

	if (q == NULL)
		return;
	buf_printf(&q->inquiry.out,
	    "egress '%s' did not answer within %d s: it may be reading a long "
	    "report; ask again\n",
	    q->parent, (int)(ANSWER_US / US_PER_SECOND));
	finish(q, 503);
}

void
extract_line_init(struct extract_line *line, struct loop *loop)
{
	*line = (struct extract_line){ .deadline = loop_timer_new(loop,
					   on_deadline, line) };
}

void
extract_line_fini(struct extract_line *line)
{
	extract_on_loss(line);
	loop_timer_free(line->deadline);
}

void
extract_on_loss(struct extract_line *line)
{
	struct question *q = line->asked;

	if (q == NULL)
		return;
	buf_printf(&q->inquiry.out,
	    "the link to egress '%s' broke off; ask again when it is up: "
	    "'get links' tells\n",
	    q->parent);
	finish(q, 503);
}

static int
put_refusal(struct question *q, enum extract_end end)
{
	struct buf *out = &q->inquiry.out;

	switch (end) {
	case EXTRACT_BUSY:
		buf_printf(out,
		    "egress '%s' reads for others just now; ask again\n",
		    q->parent);
		return 409;
	case EXTRACT_FAILED:
		buf_printf(out,
		    "egress '%s' could not read its store, or it ends: its "
		    "log says why\n",
		    q->parent);
		return 503;
	default:
		buf_printf(out,
		    "egress '%s' has no such rows for a node: update both to "
		    "one version\n",
		    q->parent);
		return 501;
	}
}

/* One that comes too late is of a question that was answered already. */
void
extract_on_page(struct extract_line *line, struct slice message)
{
	struct question *q = line->asked;
	struct extract_page p;

	if (q == NULL)
		return;
	if (!extract_page_read(&p, message)) {
		buf_printf(&q->inquiry.out,
		    "what egress '%s' answered cannot be read: update both to "
		    "one version\n",
		    q->parent);
		finish(q, 502);
		return;
	}
	if (p.number != line->number)
		return;
	if (p.end != EXTRACT_GIVEN) {
		finish(q, put_refusal(q, p.end));
		return;
	}
	buf_put_slice(&q->inquiry.out, message);
	finish(q, 200);
}

/* Why it cannot be asked now: a status; 0: it can. */
static int
hindrance(struct question *q, const struct uplink *u)
{
	struct buf *out = &q->inquiry.out;

	if (u == NULL || !link_is_up(uplink_link(u))) {
		buf_printf(out,
		    "the link to egress '%s' is not up: 'get links' tells "
		    "why; ask again when it is\n",
		    q->parent);
		return 503;
	}
	if (link_answers_ledger(uplink_link(u)))
		return 0;
	buf_printf(out,
	    "egress '%s' is too old to be asked over the link: update it; or "
	    "write both exports, there and here, with ledger export, and run "
	    "ledger reconcile NODE_EXPORT EGRESS_EXPORT\n",
	    q->parent);
	return 501;
}

/* On the first worker's loop. */
static void
on_question(void *arg)
{
	struct question *q = arg;
	struct desk *d = q->process->workers[0].app;
	struct uplink *u = desk_uplink(d, slice_of(q->parent));
	int status = hindrance(q, u);
	struct extract_line *line;
	struct buf message;

	if (status != 0) {
		finish(q, status);
		return;
	}
	line = uplink_extract_line(u);
	if (line->asked != NULL) {
		buf_printf(&q->inquiry.out,
		    "egress '%s' is being asked already, by another command; "
		    "ask again\n",
		    q->parent);
		finish(q, 409);
		return;
	}
	line->asked = q;
	q->line = line;
	q->ask.number = ++line->number;
	buf_init(&message, EXTRACT_ASK_MAX);
	extract_ask_write(&message, &q->ask);
	link_send(uplink_link(u), LINK_LEDGER_ASK, buf_slice(&message));
	buf_fini(&message);
	loop_timer_set(line->deadline, ANSWER_US);
}

static bool
read_time(struct admin_call *call, const char *name, int64_t *us)
{
	*us = 0;
	if (admin_argument(call, name).len == 0 ||
	    (admin_number(call, name, us) && *us >= 0 && *us <= ROW_TIME_MAX))
		return true;
	buf_printf(&call->out, "'%s' is microseconds since 1970\n", name);
	return false;
}

static bool
read_ask(struct admin_call *call, struct question *q)
{
	struct slice kind = admin_argument(call, "kind"),
		     after = admin_argument(call, "after");
	struct extract_ask *a = &q->ask;

	for (a->kind = 0; a->kind < EXPORT_KINDS; a->kind++)
		if (extract_has(a->kind) && slice_is(kind, kind_name(a->kind)))
			break;
	if (a->kind == EXPORT_KINDS) {
		buf_puts(&call->out, "'kind' is open, attempt, checkpoint, "
				     "receipt or outbox\n");
		return false;
	}
	if (after.len / 2 > sizeof(q->after) ||
	    !hex_parse(q->after, after.len / 2, after)) {
		buf_puts(&call->out, "'after' is a key of a page, in hex\n");
		return false;
	}
	a->after = slice_make(q->after, after.len / 2);
	return read_time(call, "from", &a->from) &&
	       read_time(call, "to", &a->to);
}

static bool
read_parent(struct admin_call *call, struct question *q)
{
	struct slice name = admin_argument(call, "parent");
	struct topology *t = process_topology(call->process);
	const struct member *self = t->self;
	bool is = false;
	size_t i;

	for (i = 0; i < self->parents_count; i++)
		is |= slice_eq(self->parents[i], name);
	if (is)
		memcpy(q->parent, name.ptr, min_size(name.len, LINK_NAME_MAX));
	else
		buf_printf(&call->out, "'%.*s' is no parent of this node\n",
		    SLICE_FMT(name));
	topology_release(t);
	return is;
}

/* It is all of the node's calls: who may see some of them may not. */
static bool
may_see_all(struct admin_call *call)
{
	if (call->scope.teams_count + call->scope.projects_count == 0)
		return true;
	buf_printf(&call->out,
	    "the admin token '%s' is for some projects, and this is of all\n",
	    call->who);
	return false;
}

static int
ask(struct admin_call *call, struct question *q)
{
	struct process *p = call->process;

	admin_about(call, slice_of(q->parent));
	buf_printf(&call->what, ": %s", kind_name(q->ask.kind));
	if (!loop_post(p->workers[0].loop, on_question, q)) {
		buf_puts(&call->out, "the node is busy or ends; ask again\n");
		return 503;
	}
	inquiry_hold(&q->inquiry, call->exchange);
	return ADMIN_LATER;
}

int
extract_serve(struct admin_call *call)
{
	struct extracts *x = ((struct node *)call->process->shared)->extracts;
	struct question *q;
	int status = 400;

	if (!may_see_all(call))
		return 403;
	q = xcalloc(1, sizeof(*q));
	q->extracts = x;
	q->process = call->process;
	q->inquiry.free = question_free;
	q->inquiry.media_type = TYPE;
	buf_init(&q->inquiry.out, EXTRACT_PAGE_MAX);
	list_init(&q->link);
	pthread_mutex_lock(&x->lock);
	list_push(&x->all, &q->all);
	pthread_mutex_unlock(&x->lock);
	if (read_parent(call, q) && read_ask(call, q))
		status = ask(call, q);
	if (status != ADMIN_LATER)
		question_free(&q->inquiry);
	return status;
}
