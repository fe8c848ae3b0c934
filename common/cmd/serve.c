#include <stdio.h>

#include "common/base/log.h"
#include "common/cmd/shared.h"
#include "common/member/process.h"

#define DRAIN_DEFAULT_S 30

const struct option_spec serve_specs[] = {
	STATE_OPTION(struct serve_options),
	{ "topology", "DIR", OPTION_TEXT,
	    offsetof(struct serve_options, topology), true, 0, 0,
	    "the folder with mesh.yaml, its lock and the member files" },
	{ "master-key", "FILE", OPTION_TEXT,
	    offsetof(struct serve_options, master_key), false, 0, 0,
	    "opens the secret store; default: systemd credential, "
	    "STATE/master.key" },
	{ "workers", "N", OPTION_INT, offsetof(struct serve_options, workers),
	    false, 1, 64, "worker threads; default: one a core, at most 4" },
	{ "drain", "SECONDS", OPTION_INT,
	    offsetof(struct serve_options, drain_s), false, 1, 3600,
	    "how long requests may finish after SIGTERM; 30" },
	{ "log-level", "LEVEL", OPTION_TEXT,
	    offsetof(struct serve_options, log_level), false, 0, 0,
	    "debug, info, warn or error; info" },
};
const size_t serve_specs_count = count_of(serve_specs);

int
serve_run(const struct process_app *app, const struct serve_options *o)
{
	const struct process_options options = {
		.state_dir = o->state,
		.topology_dir = o->topology,
		.master_key = o->master_key,
		.workers = o->workers,
		.drain_s = o->drain_s > 0 ? o->drain_s : DRAIN_DEFAULT_S,
	};
	enum log_level level = LOG_INFO;

	if (o->log_level != NULL &&
	    !log_level_parse(&level, slice_of(o->log_level))) {
		fprintf(stderr,
		    "--log-level is debug, info, warn or error, not '%s'\n",
		    o->log_level);
		return 2;
	}
	log_threshold(level);
	return process_serve(app, &options);
}
