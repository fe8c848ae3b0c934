#include "common/member/clerk.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/member/admin.h"
#include "common/member/caretaker.h"
#include "common/member/catchup.h"
#include "common/member/errand.h"
#include "common/member/process.h"
#include "common/member/sentry.h"
#include "common/member/wicket.h"
#include "common/member/worker.h"
#include "common/net/control.h"
#include "common/net/loop.h"
#include "common/store/ledger.h"
#include "common/store/slip.h"

#define POLL_US    (20 * US_PER_MS)             /* while draining */
#define CUT_US     (3 * (int64_t)US_PER_SECOND) /* for the last settlements */
#define SWEEP_US   (60 * (int64_t)US_PER_SECOND)
#define REASON_MAX (64 * 1024)

enum ending { SERVING, DRAINING, CUTTING };

struct clerk {
	struct process *process;
	struct loop *loop;
	struct wicket *wicket;
	struct admin *control;
	int signal_fd;
	struct loop_watch *signals;
	struct caretaker *caretaker;
	struct catchup *catchup;
	struct loop_timer *sync, *sweep, *ending_poll;
	enum ending ending;
	int64_t ending_deadline_us;
};

static void
on_sync(void *arg)
{
	struct clerk *c = arg;
	struct ledger *l = c->process->ledger;
	uint64_t before = ledger_durable(l);
	size_t i;

	loop_timer_set(c->sync, LEDGER_SYNC_MS * US_PER_MS);
	sentry_strangers(c->process);
	if (!slips_post(ledger_slips(l)))
		log_debug("sums and roll-ups wait for the store");
	if (ledger_committed(l) == before || ledger_sync(l) != DB_OK)
		return;
	for (i = 0; i < c->process->workers_count; i++)
		worker_durable(&c->process->workers[i]);
}

static void
on_sweep(void *arg)
{
	struct clerk *c = arg;

	loop_timer_set(c->sweep, SWEEP_US);
	sentry_sweep(c->process, clock_wall_us());
	wicket_sweep(c->wicket);
	if (c->process->app->sweep != NULL)
		c->process->app->sweep(c->process, clock_wall_us());
}

static void
reload(struct clerk *c)
{
	struct buf why, what;
	bool done;

	buf_init(&why, REASON_MAX);
	buf_init(&what, ADMIN_WHAT_BYTES);
	done = process_reload_told(c->process, &why, &what);
	if (!done)
		log_error("reload refused; the old topology goes on serving",
		    log_slice("why", buf_slice(&why)));
	sentry_note_own(c->process, "signal", "reload", buf_slice(&what), done);
	buf_fini(&what);
	buf_fini(&why);
}

static void
begin_drain(struct clerk *c)
{
	struct process *p = c->process;
	size_t i;

	if (c->ending != SERVING)
		return;
	log_info("draining", log_int("seconds", p->options.drain_s));
	sentry_note_own(p, "signal", "drain", slice_of(""), true);
	atomic_store(&p->draining, true);
	c->ending = DRAINING;
	c->ending_deadline_us =
	    loop_now_us(c->loop) + p->options.drain_s * US_PER_SECOND;
	for (i = 0; i < p->workers_count; i++)
		worker_drain(&p->workers[i]);
	loop_timer_set(c->ending_poll, POLL_US);
}

static void
on_signal(void *arg, int what)
{
	struct clerk *c = arg;
	struct signalfd_siginfo info;

	(void)what;
	while (read(c->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(c);
		else
			begin_drain(c);
	}
}

static bool
any_busy(const struct process *p)
{
	size_t i;

	for (i = 0; i < p->workers_count; i++)
		if (atomic_load(&p->workers[i].busy))
			return true;
	return false;
}

/* Drain until idle or late, cut what is left, then stop for good. */
static void
on_ending(void *arg)
{
	struct clerk *c = arg;
	struct process *p = c->process;
	bool late = loop_now_us(c->loop) >= c->ending_deadline_us;
	size_t i;

	loop_timer_set(c->ending_poll, POLL_US);
	if (!any_busy(p) || (late && c->ending == CUTTING)) {
		loop_stop(c->loop);
		return;
	}
	if (!late || c->ending != DRAINING)
		return;
	log_warn("drain deadline passed; ending what is left");
	c->ending = CUTTING;
	c->ending_deadline_us = loop_now_us(c->loop) + CUT_US;
	for (i = 0; i < p->workers_count; i++)
		worker_cut(&p->workers[i]);
}

static void
list_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

bool
clerk_claim_signals(void)
{
	sigset_t set;

	list_signals(&set);
	return pthread_sigmask(SIG_BLOCK, &set, NULL) == 0;
}

static bool
watch_signals(struct clerk *c)
{
	sigset_t set;

	list_signals(&set);
	c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (c->signal_fd < 0)
		return false;
	c->signals = loop_watch_new(c->loop, c->signal_fd, on_signal, c);
	loop_watch_for(c->signals, LOOP_READ);
	return true;
}

static bool
open_listeners(struct clerk *c, struct buf *why)
{
	struct process *p = c->process;
	struct admin_door door = { .control = true };
	const char *reason = NULL;
	char path[108];

	c->wicket = wicket_new(p, c->loop, why);
	if (c->wicket == NULL)
		return false;
	control_path(path, p->options.state_dir);
	door.listen_fd = listen_unix(path, &reason);
	if (door.listen_fd >= 0)
		c->control = admin_new(p, c->loop, &door, &reason);
	if (c->control != NULL)
		return true;
	buf_printf(why, "control socket %s: %s\n", path, reason);
	return false;
}

struct clerk *
clerk_new(struct process *p, struct buf *why)
{
	struct clerk *c = xcalloc(1, sizeof(*c));

	c->process = p;
	c->signal_fd = -1;
	c->loop = loop_new("clerk");
	if (!watch_signals(c)) {
		buf_puts(why, "cannot take signals\n");
	} else if ((p->errands = errands_new(c->loop)) == NULL) {
		buf_puts(why, "cannot make a thread\n");
	} else if (open_listeners(c, why)) {
		c->sync = loop_timer_new(c->loop, on_sync, c);
		c->sweep = loop_timer_new(c->loop, on_sweep, c);
		c->ending_poll = loop_timer_new(c->loop, on_ending, c);
		c->caretaker = caretaker_new(p, c->loop);
		c->catchup = catchup_new(p, c->loop);
		loop_timer_set(c->sync, LEDGER_SYNC_MS * US_PER_MS);
		loop_timer_set(c->sweep, SWEEP_US);
		return c;
	}
	clerk_free(c);
	return NULL;
}

void
clerk_adopt(struct clerk *c)
{
	wicket_adopt(c->wicket);
}

void
clerk_run(struct clerk *c)
{
	loop_run(c->loop);
	sentry_sweep(c->process, INT64_MAX);
}

unsigned
clerk_port(const struct clerk *c)
{
	return wicket_port(c->wicket);
}

struct caretaker *
clerk_caretaker(const struct clerk *c)
{
	return c->caretaker;
}

struct loop *
clerk_loop(const struct clerk *c)
{
	return c->loop;
}

void
clerk_free(struct clerk *c)
{
	if (c == NULL)
		return;
	caretaker_free(c->caretaker);
	wicket_free(c->wicket);
	admin_free(c->control);
	errands_free(c->process->errands);
	c->process->errands = NULL;
	catchup_free(c->catchup);
	loop_timer_free(c->sync);
	loop_timer_free(c->sweep);
	loop_timer_free(c->ending_poll);
	loop_watch_free(c->signals);
	if (c->signal_fd >= 0)
		close(c->signal_fd);
	loop_free(c->loop);
	free(c);
}
