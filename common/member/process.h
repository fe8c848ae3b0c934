#pragma once
/*
 * process: one running member: what its threads share, and how it starts,
 * reloads and ends.  gsr-node and gsr-egress each pass a `process_app` with
 * what is theirs.  The main thread becomes the clerk.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "common/base/id.h"
#include "common/limit/allowance.h"
#include "common/member/identity.h"

struct admin_route;
struct buf;
struct clerk;
struct errands;
struct flood;
struct ledger;
struct process;
struct secret;
struct sessions;
struct stewards;
struct strangers;
struct tls_boot;
struct trail;
struct vault;
struct worker;

#define WORKERS_MAX 64

/* Called on the worker's own thread, but for `open`, `sweep` and `ready`. */
struct process_app {
	enum member_role role;
	/* The clerk's thread, before workers start; false and *why. */
	bool (*open)(struct process *p, struct buf *why);
	void (*close)(struct process *p);
	/* The loop is made and not running yet: make what lives on it. */
	void (*start)(struct worker *w);
	/*
	 * w->topology was swapped; `old` is let go afterwards.  Is it still
	 * the same, then secrets are what is new.
	 */
	void (*adopt)(struct worker *w, const struct topology *old);
	/* What was committed before the last fsync is durable. */
	void (*durable)(struct worker *w);
	/* Take nothing new; what is under way goes on. */
	void (*drain)(struct worker *w);
	/* End what is under way; every request settles. */
	void (*cut)(struct worker *w);
	/* Is nothing under way? */
	bool (*idle)(struct worker *w);
	/* The last turn: close what needs a turn to close.  May be NULL. */
	void (*leave)(struct worker *w);
	/* The loop has ended: free what start made. */
	void (*stop)(struct worker *w);
	/* The clerk's thread, about once a minute: a bounded step of deleting
	 * what has ended.  May be NULL. */
	void (*sweep)(struct process *p, int64_t wall_us);
	/* May it serve?  The reason why not in `why`.  Any thread. */
	bool (*ready)(struct process *p, struct buf *why);
	/* Its own numbers behind the counters; see metrics.h.  The clerk's
	 * thread.  May be NULL. */
	void (*metrics)(struct process *p, struct buf *out);
	/*
	 * Is all there that this topology names?  Asked of each before it
	 * is taken, first before `open`; reasons in `why`.  May be NULL.
	 */
	bool (*fits)(struct process *p, const struct topology *t,
	    struct buf *why);
	/* The socket address its workers share: callers or links. */
	struct slice (*listen)(const struct topology *t);
	const struct admin_route *routes;
	size_t routes_count;
};

struct process_options {
	const char *state_dir, *topology_dir;
	const char *master_key; /* NULL: where the vault looks by itself */
	int64_t workers;        /* 0: one a core, at most 4 */
	int64_t drain_s;
};

struct process {
	const struct process_app *app;
	struct process_options options;
	struct identity identity;
	struct ledger *ledger;
	struct tls_boot *tls;
	struct id boot; /* random, of this process */
	struct allowance body_memory;
	struct worker *workers;
	size_t workers_count;
	struct clerk *clerk;
	struct errands *errands;   /* the clerk's */
	struct stewards *stewards; /* these five are the clerk's */
	struct trail *trail;
	struct flood *flood; /* refusals that come again */
	struct flood *reads; /* and reads */
	struct sessions *sessions;
	struct strangers *strangers; /* any thread tells, the clerk takes */
	struct secret *cursor_seal;  /* cursor.h */
	unsigned port;               /* the workers' */
	atomic_bool draining;
	void *shared; /* the app's own, made by open */

	pthread_mutex_t lock; /* for the next two */
	struct topology *topology;
	struct vault *vault;
	uint64_t loads; /* of topologies: the last one's serial */
};

/*
 * Serve until a signal ends it; gives the exit status.  Errors of start are
 * printed on standard error with what to do.
 */
int process_serve(const struct process_app *app,
    const struct process_options *options);

/*
 * Load files and secrets anew; all or nothing.  The clerk's thread.  False
 * and the reasons in `why`: the old ones go on serving.
 */
must_check bool process_reload(struct process *p, struct buf *why);

/*
 * The same, and `what` came of it, for the audit log: from which topology to
 * which, by their hashes; the one that stays, where it is refused.
 */
must_check bool process_reload_told(struct process *p, struct buf *why,
    struct buf *what);

/*
 * The same for the secrets alone, whatever the topology's files are just now:
 * calls that begin from now on have them, those under way keep theirs.
 */
must_check bool process_reload_secrets(struct process *p, struct buf *why);

/* The present topology, held for the caller.  Any thread. */
struct topology *process_topology(struct process *p)
    __attribute__((returns_nonnull));

/* A secret by its (NUL-terminated) name, held; NULL: none.  Any thread. */
struct secret *process_secret(struct process *p, struct slice name);
