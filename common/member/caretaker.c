#include "common/member/caretaker.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/memory.h"
#include "common/member/admin.h"
#include "common/member/process.h"
#include "common/member/sentry.h"
#include "common/net/loop.h"
#include "common/store/disposal.h"

#define LOOK_US (60 * (int64_t)US_PER_SECOND)
#define STEP_US (5 * US_PER_MS) /* between two steps, for everybody else */
#define ENTRIES 500             /* of a step */
#define DAY_MS  ((int64_t)24 * 3600 * 1000)

enum job { JOB_NONE, JOB_DROP, JOB_COMPACT, JOB_COPY };

struct caretaker {
	struct process *process;
	struct loop *loop;
	struct loop_timer *look, *step;
	uint32_t chance; /* when in the night */
	int64_t next_ms; /* run */

	enum job job;
	char who[ADMIN_WHO_CHARS]; /* began it */
	struct disposal run;       /* the last one, or that under way */
	enum care ran, copied;
	char dir[4096];

	pthread_t thread; /* of JOB_COMPACT and JOB_COPY */
	bool thread_good;
	atomic_bool thread_done;
};

static int64_t
now_ms(void)
{
	return clock_wall_us() / US_PER_MS;
}

static int64_t
last_run_ms(struct caretaker *c)
{
	struct custody *custody = ledger_custody(c->process->ledger);
	int64_t last = 0;
	enum retention_class class;

	for (class = 0; class < RETENTION_LIMITED; class ++)
		last = max_i64(last, custody_mark_get(custody, class).run_us);
	return last / US_PER_MS;
}

static void *
work(void *arg)
{
	struct caretaker *c = arg;

	if (c->job == JOB_COMPACT)
		c->thread_good = disposal_compact(&c->run);
	else
		c->thread_good =
		    db_checkpoint(ledger_db(c->process->ledger), c->dir);
	atomic_store(&c->thread_done, true);
	return NULL;
}

static bool
start_thread(struct caretaker *c, enum job job)
{
	c->job = job;
	atomic_store(&c->thread_done, false);
	if (pthread_create(&c->thread, NULL, work, c) == 0) {
		loop_timer_set(c->step, STEP_US);
		return true;
	}
	log_error("cannot start a thread");
	c->job = JOB_NONE;
	return false;
}

static void
tell_run(struct caretaker *c, bool good)
{
	int64_t rows = 0, bytes = 0;
	char what[32];
	size_t i;

	for (i = 0; i < RETENTION_LIMITED; i++) {
		rows += c->run.classes[i].rows;
		bytes += c->run.classes[i].bytes;
	}
	if (rows > 0 && good)
		log_info("dropped rows past their retention",
		    log_int("rows", rows), log_int("bytes", bytes));
	snprintf(what, sizeof(what), "%lld rows", (long long)rows);
	sentry_note_own(c->process, c->who, "retention run", slice_of(what),
	    good);
}

static void
end_run(struct caretaker *c, bool good)
{
	c->job = JOB_NONE;
	c->ran = good ? CARE_DONE : CARE_FAILED;
	if (c->run.dry)
		return;
	tell_run(c, good);
	c->next_ms =
	    retention_due_ms(now_ms(), c->run.now_us / US_PER_MS, c->chance);
}

static void
end_copy(struct caretaker *c, bool good)
{
	c->job = JOB_NONE;
	c->copied = good ? CARE_DONE : CARE_FAILED;
	sentry_note_own(c->process, c->who, "backup", slice_of(c->dir), good);
}

static void
drop_more(struct caretaker *c)
{
	if (disposal_step(&c->run, ENTRIES))
		loop_timer_set(c->step, STEP_US);
	else if (c->run.failed || c->run.dry)
		end_run(c, !c->run.failed);
	else if (!start_thread(c, JOB_COMPACT))
		end_run(c, false);
}

static void
on_step(void *arg)
{
	struct caretaker *c = arg;
	enum job job = c->job;

	if (job == JOB_DROP) {
		drop_more(c);
		return;
	}
	if (job == JOB_NONE)
		return;
	if (!atomic_load(&c->thread_done)) {
		loop_timer_set(c->step, STEP_US);
		return;
	}
	pthread_join(c->thread, NULL);
	if (job == JOB_COMPACT)
		end_run(c, c->thread_good);
	else
		end_copy(c, c->thread_good);
}

/* A clock that was put back must not put the next run off for months. */
static void
on_look(void *arg)
{
	struct caretaker *c = arg;
	int64_t now = now_ms();

	loop_timer_set(c->look, LOOK_US);
	if (c->next_ms - now > 2 * DAY_MS)
		c->next_ms = retention_due_ms(now, last_run_ms(c), c->chance);
	if (now >= c->next_ms)
		(void)caretaker_run(c, false, "time");
}

struct caretaker *
caretaker_new(struct process *p, struct loop *loop)
{
	struct caretaker *c = xcalloc(1, sizeof(*c));

	c->process = p;
	c->loop = loop;
	atomic_init(&c->thread_done, false);
	crypto_random(&c->chance, sizeof(c->chance));
	c->next_ms = retention_due_ms(now_ms(), last_run_ms(c), c->chance);
	c->look = loop_timer_new(loop, on_look, c);
	c->step = loop_timer_new(loop, on_step, c);
	loop_timer_set(c->look, LOOK_US);
	return c;
}

void
caretaker_free(struct caretaker *c)
{
	if (c == NULL)
		return;
	if (c->job == JOB_COMPACT || c->job == JOB_COPY) {
		db_halt(ledger_db(c->process->ledger));
		pthread_join(c->thread, NULL);
	}
	if (c->job == JOB_COPY)
		end_copy(c, c->thread_good);
	else if (c->job != JOB_NONE)
		end_run(c, false);
	loop_timer_free(c->look);
	loop_timer_free(c->step);
	free(c);
}

enum care
caretaker_run(struct caretaker *c, bool dry, const char *who)
{
	if (c->job != JOB_NONE)
		return CARE_BUSY;
	snprintf(c->who, sizeof(c->who), "%s", who);
	disposal_begin(&c->run, c->process->ledger, clock_wall_us(), dry);
	c->job = JOB_DROP;
	c->ran = CARE_BUSY;
	loop_timer_set(c->step, STEP_US);
	return CARE_DONE;
}

enum care
caretaker_ran(const struct caretaker *c, enum output_format format,
    struct buf *out)
{
	if (c->ran == CARE_DONE || c->ran == CARE_FAILED)
		disposal_write(&c->run, format, out);
	return c->ran;
}

enum care
caretaker_copy(struct caretaker *c, const char *dir, const char *who)
{
	if (c->job != JOB_NONE)
		return CARE_BUSY;
	snprintf(c->who, sizeof(c->who), "%s", who);
	if (snprintf(c->dir, sizeof(c->dir), "%s", dir) >=
		(int)sizeof(c->dir) ||
	    !start_thread(c, JOB_COPY))
		return CARE_FAILED;
	c->copied = CARE_BUSY;
	return CARE_DONE;
}

enum care
caretaker_copied(const struct caretaker *c)
{
	return c->copied;
}

int64_t
caretaker_next_us(const struct caretaker *c)
{
	return c->next_ms * US_PER_MS;
}
