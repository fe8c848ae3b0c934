#include "common/member/process.h"

#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/base/secret.h"
#include "common/member/clerk.h"
#include "common/member/flood.h"
#include "common/member/sentry.h"
#include "common/member/session.h"
#include "common/member/steward.h"
#include "common/member/stranger.h"
#include "common/member/vault.h"
#include "common/member/wicket.h"
#include "common/member/worker.h"
#include "common/net/http.h"
#include "common/net/link.h"
#include "common/net/lookout.h"
#include "common/net/roster.h"
#include "common/net/tls.h"
#include "common/net/upstream.h"
#include "common/store/cursor.h"
#include "common/store/custody.h"
#include "common/store/ledger.h"
#include "common/store/trail.h"

#define WHY_MAX         (256 * 1024)
#define WORKERS_DEFAULT 4
#define RUN_FILE        "run.json"

struct topology *
process_topology(struct process *p)
{
	struct topology *t;

	pthread_mutex_lock(&p->lock);
	assert(p->topology != NULL);
	t = topology_hold(p->topology);
	pthread_mutex_unlock(&p->lock);
	return t;
}

struct secret *
process_secret(struct process *p, struct slice name)
{
	struct secret *s = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->vault != NULL)
		s = vault_get(p->vault, name.ptr);
	pthread_mutex_unlock(&p->lock);
	return s;
}

/*
 * What is as big as a picture goes back to the system when it is freed, and
 * grows by moving pages.  Left to itself the library learns from the first
 * such block to keep them all on its heap, where the next one is copied as it
 * grows, and where little blocks behind it hold it for ever.
 */
#define BIG_BYTES (1024 * 1024)

/*
 * Keys lie in this process: no core file, no tracing by the same user, no
 * writes to a closed socket that kill.  Sanitizers need to trace themselves.
 */
static bool
harden(struct buf *why)
{
	struct rlimit files, none = { 0, 0 };

	signal(SIGPIPE, SIG_IGN);
	upstream_start();
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_MMAP_THRESHOLD, BIG_BYTES);
	mallopt(M_TRIM_THRESHOLD, 2 * BIG_BYTES);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
#ifndef GSR_SANITIZED
	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_GET_DUMPABLE) != 0) {
		buf_puts(why, "cannot forbid core files and tracing, so keys "
			      "would not be safe here\n");
		return false;
	}
#else
	(void)none;
	(void)why;
#endif
	return true;
}

static bool
same_secrets_there(struct process *p, const struct topology *t, struct vault *v,
    struct buf *why)
{
	const struct provider *list =
	    t->node != NULL ? t->node->providers : t->egress->providers;
	size_t i, count = t->node != NULL ? t->node->providers_count
					  : t->egress->providers_count;
	bool all = true;

	for (i = 0; i < count; i++) {
		struct secret *s;

		if (list[i].secret.len == 0)
			continue;
		s = v != NULL ? vault_get(v, list[i].secret.ptr) : NULL;
		if (s == NULL) {
			buf_printf(why,
			    "provider %.*s: no secret named '%.*s'; set it "
			    "with: %s secret set %.*s --state %s < keyfile\n",
			    SLICE_FMT(list[i].name), SLICE_FMT(list[i].secret),
			    p->app->role == ROLE_NODE ? "gsr-node"
						      : "gsr-egress",
			    SLICE_FMT(list[i].secret), p->options.state_dir);
			all = false;
		}
		secret_free(s);
	}
	return all;
}

/* A listening socket cannot move under its workers, nor under the clerk. */
static bool
same_listeners(struct process *p, const struct topology *t, struct buf *why)
{
	if (p->topology == NULL)
		return true;
	if (!slice_eq(p->app->listen(p->topology), p->app->listen(t))) {
		buf_puts(why, "'listen' changed: that needs a restart\n");
		return false;
	}
	if (!slice_eq(wicket_listen(p->topology), wicket_listen(t))) {
		buf_puts(why, "'admin_listen' changed: that needs a restart\n");
		return false;
	}
	return true;
}

static struct vault *
open_secrets(struct process *p, struct buf *why)
{
	const char *reason = NULL;
	struct vault *v =
	    vault_open(p->options.state_dir, p->options.master_key, &reason);

	if (v == NULL)
		buf_printf(why, "secret store: %s\n", reason);
	return v;
}

static bool
load(struct process *p, struct topology **t, struct vault **v, struct buf *why)
{
	struct topology_pin pin;

	identity_pin(&p->identity, &pin);
	*v = open_secrets(p, why);
	if (*v == NULL)
		return false;
	*t = topology_load(p->options.topology_dir, &pin, why);
	if (*t != NULL && same_listeners(p, *t, why) &&
	    same_secrets_there(p, *t, *v, why) && wicket_fits(*t, why) &&
	    (p->app->fits == NULL || p->app->fits(p, *t, why)) &&
	    identity_saw(&p->identity, *t, why))
		return true;
	topology_release(*t);
	vault_close(*v);
	return false;
}

/* What the files limit is hidden from now on. */
static void
limit_rows(struct process *p)
{
	const struct topology *t = p->topology;
	const struct retention_terms terms = retention_both(&t->mesh.retention,
	    t->node != NULL ? &t->node->retention : &t->egress->retention);

	if (!custody_limit(ledger_custody(p->ledger), &terms))
		log_error("the store took no limits of retention: those of "
			  "before are in force");
}

bool
process_reload(struct process *p, struct buf *why)
{
	struct topology *t, *old_topology;
	struct vault *v, *old_vault;
	size_t i;

	if (!load(p, &t, &v, why))
		return false;
	t->serial = ++p->loads; /* before anybody else sees it */
	pthread_mutex_lock(&p->lock);
	old_topology = p->topology;
	old_vault = p->vault;
	p->topology = t;
	p->vault = v;
	pthread_mutex_unlock(&p->lock);
	log_info("topology loaded", log_str("topology", t->hash_text),
	    log_int("mesh_version", t->mesh_version),
	    log_int("node_version", t->node_version));
	if (p->clerk != NULL)
		clerk_adopt(p->clerk);
	topology_release(old_topology);
	vault_close(old_vault);
	if (p->ledger != NULL)
		limit_rows(p);
	for (i = 0; i < p->workers_count; i++)
		worker_adopt(&p->workers[i]);
	return true;
}

bool
process_reload_told(struct process *p, struct buf *why, struct buf *what)
{
	struct topology *was = process_topology(p), *is;
	bool done = process_reload(p, why);

	is = process_topology(p);
	buf_puts(what, was->hash_text);
	if (done)
		buf_printf(what, " -> %s", is->hash_text);
	topology_release(was);
	topology_release(is);
	return done;
}

/* Workers adopt what they have: what the old key closed is tried again. */
bool
process_reload_secrets(struct process *p, struct buf *why)
{
	struct vault *v = open_secrets(p, why), *old;
	size_t i;

	if (v == NULL)
		return false;
	if (!same_secrets_there(p, p->topology, v, why)) {
		vault_close(v);
		return false;
	}
	pthread_mutex_lock(&p->lock);
	old = p->vault;
	p->vault = v;
	pthread_mutex_unlock(&p->lock);
	log_info("secrets loaded", log_int("count", (int64_t)vault_count(v)));
	vault_close(old);
	for (i = 0; i < p->workers_count; i++)
		worker_adopt(&p->workers[i]);
	return true;
}

/*
 * Workers share their port, and so would another daemon of this user that is
 * given the same one: callers would reach either.  Alone, it must be free.
 */
static bool
port_is_free(struct slice address, struct buf *why)
{
	const char *reason = NULL;
	int fd = listen_tcp(address, false, &reason);

	if (fd < 0) {
		buf_printf(why, "listen %.*s: %s\n", SLICE_FMT(address),
		    reason);
		return false;
	}
	close(fd);
	return true;
}

/* One socket a worker on the same port; the kernel spreads connections. */
static bool
bind_workers(struct process *p, struct buf *why)
{
	struct slice address = p->app->listen(p->topology);
	const char *reason = NULL;
	char same[300];
	size_t i, host;

	if (!port_is_free(address, why))
		return false;
	for (i = 0; i < p->workers_count; i++) {
		int fd = listen_tcp(address, true, &reason);

		if (fd < 0) {
			buf_printf(why, "listen %.*s: %s\n", SLICE_FMT(address),
			    reason);
			return false;
		}
		p->workers[i].listen_fd = fd;
		p->port = listen_port(fd);
		/* Port 0 was a wish; the others have to join the first. */
		for (host = address.len; host > 0; host--)
			if (address.ptr[host - 1] == ':')
				break;
		snprintf(same, sizeof(same), "%.*s%u", (int)min_size(host, 280),
		    address.ptr, p->port);
		address = slice_of(same);
	}
	return true;
}

static bool
write_run_file(struct process *p, struct buf *why)
{
	char path[sizeof(p->identity.state_dir) + sizeof(RUN_FILE) + 1];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", p->options.state_dir, RUN_FILE);
	f = fopen(path, "w");
	if (f == NULL) {
		buf_printf(why, "%s: %s\n", path, strerror(errno));
		return false;
	}
	fprintf(f, "{\"pid\":%d,\"port\":%u,\"admin_port\":%u}\n",
	    (int)getpid(), p->port, clerk_port(p->clerk));
	return fclose(f) == 0;
}

static size_t
worker_count(const struct process_options *o)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (o->workers > 0)
		return min_size((size_t)o->workers, WORKERS_MAX);
	return min_size(cores > 0 ? (size_t)cores : 1, WORKERS_DEFAULT);
}

/* A member that is not let in, or that is not the parent it should be. */
static void
on_stranger(void *arg, const char *peer, const char *why)
{
	const struct process *p = arg;
	const struct audit_row row = { .at = clock_wall_us(),
		.actor = slice_of(peer),
		.action = slice_of("link"),
		.why = slice_of(why) };

	strangers_tell(p->strangers, &row);
}

static bool
open_all(struct process *p, struct buf *why)
{
	const struct topology *t;

	if (!identity_open(&p->identity, p->options.state_dir, why))
		return false;
	if (p->identity.role != p->app->role) {
		buf_printf(why, "%s is enrolled as %s\n", p->options.state_dir,
		    p->identity.role == ROLE_NODE
			? "a node: use gsr-node"
			: "an egress: use gsr-egress");
		return false;
	}
	log_name(p->identity.name);
	if (!process_reload(p, why))
		return false;
	t = p->topology;
	allowance_init(&p->body_memory,
	    (size_t)(t->node != NULL ? t->node->body_memory_bytes
				     : t->egress->body_memory_bytes));
	p->ledger = ledger_open(p->options.state_dir, false);
	if (p->ledger == NULL) {
		buf_printf(why,
		    "cannot open the store in %s/store: is it in "
		    "use by a running daemon?\n",
		    p->options.state_dir);
		return false;
	}
	limit_rows(p);
	p->stewards = stewards_open(p->ledger, p->identity.key);
	p->trail = trail_open(p->ledger, p->identity.key);
	p->flood = flood_new();
	p->reads = flood_new();
	p->sessions = sessions_new();
	p->strangers = strangers_new();
	p->tls = tls_boot_new(p->identity.key, p->identity.name);
	lookout_watch(roster_lookout(tls_roster(p->tls)), on_stranger, p);
	crypto_random(p->boot.bytes, sizeof(p->boot.bytes));
	p->cursor_seal = key_derive(p->identity.key, CURSOR_PURPOSE);
	return p->app->open(p, why);
}

static bool
start_all(struct process *p, struct buf *why)
{
	size_t i;

	p->clerk = clerk_new(p, why);
	if (p->clerk == NULL)
		return false;
	p->workers = xcalloc(worker_count(&p->options), sizeof(*p->workers));
	p->workers_count = worker_count(&p->options);
	if (!bind_workers(p, why) || !write_run_file(p, why)) {
		p->workers_count = 0;
		return false;
	}
	for (i = 0; i < p->workers_count; i++)
		worker_start(&p->workers[i], p, (unsigned)i);
	sentry_note_own(p, "start", "serve", slice_of(p->topology->hash_text),
	    true);
	log_info("serving", log_int("port", p->port),
	    log_int("admin_port", clerk_port(p->clerk)),
	    log_int("workers", (int64_t)p->workers_count));
	return true;
}

static void
close_all(struct process *p)
{
	size_t i;

	for (i = 0; i < p->workers_count; i++)
		worker_join(&p->workers[i]);
	clerk_free(p->clerk);
	free(p->workers);
	if (p->ledger != NULL) {
		if (ledger_sync(p->ledger) != DB_OK)
			log_error("the last fsync failed");
		p->app->close(p);
		stewards_close(p->stewards);
		trail_close(p->trail);
		flood_free(p->flood);
		flood_free(p->reads);
		sessions_free(p->sessions);
		ledger_close(p->ledger);
	}
	secret_free(p->cursor_seal);
	tls_boot_free(p->tls);
	strangers_free(p->strangers);
	topology_release(p->topology);
	vault_close(p->vault);
	identity_close(&p->identity);
}

int
process_serve(const struct process_app *app,
    const struct process_options *options)
{
	struct process p = { .app = app, .options = *options };
	struct buf why;
	bool served = false;

	pthread_mutex_init(&p.lock, NULL);
	buf_init(&why, WHY_MAX);
	if (!clerk_claim_signals()) {
		buf_puts(&why, "cannot take signals\n");
	} else if (harden(&why) && open_all(&p, &why) && start_all(&p, &why)) {
		clerk_run(p.clerk);
		served = true;
		log_info("stopped");
	}
	if (!served)
		fprintf(stderr, "%s", buf_text(&why));
	close_all(&p);
	buf_fini(&why);
	pthread_mutex_destroy(&p.lock);
	return served ? 0 : 1;
}
