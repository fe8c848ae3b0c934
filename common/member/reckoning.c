#include "common/member/reckoning.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/member/admin.h"
#include "common/member/inquiry.h"
#include "common/member/process.h"
#include "common/report/question.h"
#include "common/report/statement.h"

#define ARENA_MAX (256 * 1024)
#define OUT_MAX   (64 * 1024 * 1024)

struct reckoning {
	struct inquiry inquiry;
	struct ledger *ledger;
	struct report_query query;
	enum statement_format format;
	struct arena words; /* what the query points to */
};

static void
reckoning_free(struct inquiry *i)
{
	struct reckoning *r = container_of(i, struct reckoning, inquiry);

	arena_fini(&r->words);
	free(r);
}

static int
work(struct inquiry *i, const atomic_bool *stop)
{
	struct reckoning *r = container_of(i, struct reckoning, inquiry);
	enum report_result result;
	struct report *report;

	r->query.stop = stop;
	result = report_run(r->ledger, &r->query, &report);
	if (result == REPORT_OK)
		statement_write(report, r->format, &i->out);
	else
		buf_puts(&i->out, question_failure(result));
	report_free(report);
	switch (result) {
	case REPORT_OK:
		return 200;
	case REPORT_TOO_MANY:
		return 422;
	default:
		return 503;
	}
}

static bool
read_format(struct admin_call *call, struct reckoning *r)
{
	struct slice name = admin_argument(call, "format");

	r->format = name.len > 0 ? statement_format(name) : STATEMENT_TEXT;
	if (r->format != STATEMENT_FORMATS)
		return true;
	buf_printf(&call->out,
	    "there is no format '%.*s'; there are text, markdown, json and "
	    "csv\n",
	    SLICE_FMT(name));
	return false;
}

/* Names of the scope are good until tokens change: these are the query's. */
static bool
keep_to_scope(struct admin_call *call, struct reckoning *r)
{
	const struct admin_scope *scope = &call->scope;
	bool fits = true;
	size_t i;

	for (i = 0; i < scope->teams_count; i++)
		fits &= filter_add(&r->query.scope, DIMENSION_team,
		    arena_copy(&r->words, scope->teams[i]));
	for (i = 0; i < scope->projects_count; i++)
		fits &= filter_add(&r->query.scope, DIMENSION_project,
		    arena_copy(&r->words, scope->projects[i]));
	if (!fits)
		buf_puts(&call->out,
		    "your token names too many teams and projects for a "
		    "report\n");
	return fits;
}

static bool
read_question(struct admin_call *call, struct reckoning *r)
{
	const struct question question = {
		.window = { .from =
				admin_argument_text(call, &r->words, "from"),
		    .to = admin_argument_text(call, &r->words, "to"),
		    .month = admin_argument_text(call, &r->words, "month") },
		.by = admin_argument_text(call, &r->words, "by"),
		.where = admin_argument_text(call, &r->words, "where"),
		.of = admin_argument_text(call, &r->words, "of"),
		.source = admin_argument_text(call, &r->words, "source"),
		.baseline = admin_argument_text(call, &r->words, "baseline"),
		.fixed = admin_argument_text(call, &r->words, "fixed"),
		.routed = admin_argument_text(call, &r->words, "routed"),
	};

	return question_read(&r->query, &question,
	    call->process->app->role == ROLE_NODE ? ROW_REQUEST : ROW_ATTEMPT,
	    clock_wall_us(), &call->out);
}

int
reckoning_serve(struct admin_call *call)
{
	struct reckoning *r = xcalloc(1, sizeof(*r));

	arena_init(&r->words, ARENA_MAX);
	buf_init(&r->inquiry.out, OUT_MAX);
	r->ledger = call->process->ledger;
	r->inquiry.work = work;
	r->inquiry.free = reckoning_free;
	call->json = false;
	if (!read_format(call, r) || !read_question(call, r) ||
	    !keep_to_scope(call, r)) {
		reckoning_free(&r->inquiry);
		return 400;
	}
	r->inquiry.media_type = statement_media_type(r->format);
	if (inquiry_send(&r->inquiry, call->process->errands, call->exchange))
		return ADMIN_LATER;
	reckoning_free(&r->inquiry);
	buf_puts(&call->out, "too many reports are waiting; try again soon\n");
	return 503;
}
