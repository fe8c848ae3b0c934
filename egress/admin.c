#include "egress/admin.h"

#include "common/member/process.h"
#include "egress/meter.h"

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

const struct admin_route egress_admin_routes[EGRESS_ADMIN_ROUTES] = {
	{ HTTP_GET, "/admin/capacity", false, serve_capacity },
};
