#include "egress/admin.h"

#include "common/base/clock.h"
#include "common/member/limits.h"
#include "common/member/process.h"
#include "common/member/tally.h"
#include "common/member/timing.h"
#include "egress/condition.h"
#include "egress/egress.h"
#include "egress/meter.h"
#include "egress/pricing.h"
#include "topology/load.h"

static int
serve_capacity(struct admin_call *call)
{
	struct meter m;

	meter_read(&m, call->process->shared);
	if (call->json)
		meter_json(&m, &call->out);
	else
		meter_text(&m, &call->out);
	meter_fini(&m);
	return 200;
}

/* All teams of mesh.yaml are there, also those that did not come yet. */
static void
meet_teams(struct egress *g)
{
	struct topology *t = process_topology(g->process);
	struct chain chain;
	size_t i;

	for (i = 0; i < t->mesh.teams_count; i++)
		limits_chain(g->limits, &chain,
		    &(struct limits_who){ SCOPE_TEAM, t->mesh.teams[i].name,
			slice_of("") },
		    1);
	topology_release(t);
}

static struct tally
tally_of(struct egress *g)
{
	meet_teams(g);
	return (struct tally){ .limits = g->limits, .gates = g->gates };
}

static int
serve_limits(struct admin_call *call)
{
	struct tally tally = tally_of(call->process->shared);

	tally.scope = &call->scope;
	tally.only[SCOPE_TEAM] = admin_argument(call, "team");
	if (tally_write(&tally, call->json ? OUTPUT_JSON : OUTPUT_TEXT,
		clock_wall_us(), &call->out))
		return 200;
	buf_reset(&call->out);
	buf_puts(&call->out, "no team of that name has a limit or spent "
			     "anything\n");
	return 404;
}

static const struct slice *
name_provider(const void *arg, size_t i)
{
	const struct egress_file *file = arg;

	return i < file->providers_count ? &file->providers[i].name : NULL;
}

static void
put_timings(struct egress *g, struct buf *out)
{
	static const struct timing_words words = { "account",
		"gsr_call_duration_seconds",
		"from a node's question to the end of the provider's answer",
		"gsr_call_ttfb_seconds",
		"from a node's question to the provider's first byte" };
	struct topology *t = process_topology(g->process);

	timings_metrics(g->timings, &words, name_provider, t->egress, out);
	topology_release(t);
}

void
egress_metrics(struct process *p, struct buf *out)
{
	struct tally tally = tally_of(p->shared);
	struct meter m;

	meter_read(&m, p->shared);
	meter_metrics(&m, out);
	meter_fini(&m);
	tally_metrics(&tally, out);
	put_timings(p->shared, out);
}

static int
serve_targets(struct admin_call *call)
{
	condition_write(call->process->shared,
	    call->json ? OUTPUT_JSON : OUTPUT_TEXT, &call->out);
	return 200;
}

const struct admin_route egress_admin_routes[EGRESS_ADMIN_ROUTES] = {
	{ HTTP_GET, "/admin/capacity", ROLE_BIT(OPERATOR), TRACE_NONE,
	    serve_capacity },
	{ HTTP_GET, "/admin/limits",
	    ROLE_BIT(REPORT_ADMIN) | ROLE_BIT(OPERATOR), TRACE_READ,
	    serve_limits },
	{ HTTP_GET, "/admin/prices",
	    ROLE_BIT(REPORT_ADMIN) | ROLE_BIT(OPERATOR), TRACE_NONE,
	    pricing_serve },
	{ HTTP_GET, "/admin/targets", ROLE_BIT(OPERATOR), TRACE_NONE,
	    serve_targets },
};
