#include "common/member/timing.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/memory.h"
#include "common/member/metrics.h"

#define SLOTS      ((size_t)2 * TIMING_NAMES_MAX) /* a power of two */
#define NAME_BYTES 64
#define OTHER      "other"

/* Upper bounds; from a refusal to an hour of thinking. */
static const double bounds[] = { 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
	60, 120, 300, 600, 1800 };
#define BUCKETS (count_of(bounds) + 1) /* and what is longer */

/* Of each bucket its own count; sums of them are made when it is read. */
struct histogram {
	atomic_uint_fast64_t counts[BUCKETS], sum_us;
};

enum span { SPAN_TOTAL, SPAN_FIRST, SPANS };

struct entry {
	char name[NAME_BYTES];
	size_t len;
	struct histogram of[TIMING_OUTCOMES][SPANS];
};

struct timings {
	pthread_mutex_t lock; /* of who meets */
	size_t count;
	_Atomic(struct entry *) slots[SLOTS]; /* put once, never moved */
	struct entry other;
};

enum timing_outcome
timing_outcome(int64_t status)
{
	if (status >= 200 && status < 400)
		return TIMING_OK;
	if (status == 429)
		return TIMING_LIMITED;
	if (status == 499)
		return TIMING_GONE;
	return status >= 400 && status < 500 ? TIMING_REFUSED : TIMING_FAILED;
}

struct timings *
timings_new(void)
{
	struct timings *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void
timings_free(struct timings *t)
{
	size_t i;

	if (t == NULL)
		return;
	for (i = 0; i < SLOTS; i++)
		free(atomic_load(&t->slots[i]));
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static bool
is_called(const struct entry *e, struct slice name)
{
	return slice_eq(slice_make(e->name, e->len), name);
}

/* Its slot, or the free one where it would be: half of them stay free. */
static _Atomic(struct entry *) *
find(struct timings *t, struct slice name)
{
	size_t i = (size_t)crypto_short_hash(name.ptr, name.len) % SLOTS;
	struct entry *e;

	for (;; i = (i + 1) % SLOTS) {
		e = atomic_load_explicit(&t->slots[i], memory_order_acquire);
		if (e == NULL || is_called(e, name))
			return &t->slots[i];
	}
}

/* Whoever is called as the rest is of the rest: its series would be two. */
static bool
has_series(struct slice name)
{
	return name.len > 0 && name.len <= NAME_BYTES && !slice_is(name, OTHER);
}

void
timings_meet(struct timings *t, struct slice name)
{
	_Atomic(struct entry *) *slot;
	struct entry *e;

	if (!has_series(name))
		return;
	pthread_mutex_lock(&t->lock);
	slot = find(t, name);
	if (atomic_load(slot) == NULL && t->count < TIMING_NAMES_MAX) {
		e = xcalloc(1, sizeof(*e));
		memcpy(e->name, name.ptr, name.len);
		e->len = name.len;
		t->count++;
		atomic_store_explicit(slot, e, memory_order_release);
	}
	pthread_mutex_unlock(&t->lock);
}

static void
add(struct histogram *h, int64_t us)
{
	const double seconds = (double)us / US_PER_SECOND;
	size_t i = 0;

	while (i < count_of(bounds) && seconds > bounds[i])
		i++;
	atomic_fetch_add_explicit(&h->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->sum_us, (uint64_t)max_i64(us, 0),
	    memory_order_relaxed);
}

void
timings_note(struct timings *t, struct slice name, enum timing_outcome outcome,
    int64_t first_us, int64_t total_us)
{
	struct entry *e = NULL;

	if (has_series(name))
		e = atomic_load_explicit(find(t, name), memory_order_acquire);
	if (e == NULL)
		e = &t->other;
	add(&e->of[outcome][SPAN_TOTAL], total_us);
	if (first_us > 0)
		add(&e->of[outcome][SPAN_FIRST], first_us);
}

/* A histogram as it is read, of one entry or of several. */
struct reading {
	uint64_t counts[BUCKETS], sum_us;
};

static void
gather(struct reading *r, struct histogram *h)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		r->counts[i] +=
		    atomic_load_explicit(&h->counts[i], memory_order_relaxed);
	r->sum_us += atomic_load_explicit(&h->sum_us, memory_order_relaxed);
}

struct family {
	const char *label, *name;
	struct buf *out;
};

static void
put(const struct family *f, struct slice name, enum timing_outcome outcome,
    const struct reading *r)
{
	static const char *const outcomes[TIMING_OUTCOMES] = { "ok", "limited",
		"refused", "gone", "failed" };
	struct metric_label labels[] = { { f->label, name },
		{ "outcome", slice_of(outcomes[outcome]) },
		{ "le", slice_of("+Inf") } };
	char series[96], bound[32];
	uint64_t count = 0;
	size_t i;

	snprintf(series, sizeof(series), "%s_bucket", f->name);
	for (i = 0; i < BUCKETS; i++) {
		count += r->counts[i];
		if (i < count_of(bounds)) {
			snprintf(bound, sizeof(bound), "%g", bounds[i]);
			labels[2].value = slice_of(bound);
		} else {
			labels[2].value = slice_of("+Inf");
		}
		metrics_sample(f->out, series, labels, 3, (double)count);
	}
	snprintf(series, sizeof(series), "%s_sum", f->name);
	metrics_sample(f->out, series, labels, 2,
	    (double)r->sum_us / US_PER_SECOND);
	snprintf(series, sizeof(series), "%s_count", f->name);
	metrics_sample(f->out, series, labels, 2, (double)count);
}

static bool
is_empty(const struct reading *r)
{
	size_t i;

	for (i = 0; i < BUCKETS; i++)
		if (r->counts[i] > 0)
			return false;
	return true;
}

static void
put_entry(const struct family *f, struct entry *e, enum span span)
{
	enum timing_outcome o;

	for (o = 0; o < TIMING_OUTCOMES; o++) {
		struct reading r = { .sum_us = 0 };

		gather(&r, &e->of[o][span]);
		if (!is_empty(&r))
			put(f, slice_make(e->name, e->len), o, &r);
	}
}

static bool
is_listed(const struct entry *e, timing_name *name, const void *arg)
{
	const struct slice *n;
	size_t i;

	for (i = 0; (n = name(arg, i)) != NULL; i++)
		if (is_called(e, *n))
			return true;
	return false;
}

/* Those that left the topology are told together with what was never met. */
static void
put_rest(const struct family *f, struct timings *t, const bool *listed,
    enum span span)
{
	enum timing_outcome o;
	size_t i;

	for (o = 0; o < TIMING_OUTCOMES; o++) {
		struct reading r = { .sum_us = 0 };

		gather(&r, &t->other.of[o][span]);
		for (i = 0; i < SLOTS; i++) {
			struct entry *e = atomic_load(&t->slots[i]);

			if (e != NULL && !listed[i])
				gather(&r, &e->of[o][span]);
		}
		if (!is_empty(&r))
			put(f, slice_of(OTHER), o, &r);
	}
}

void
timings_metrics(struct timings *t, const struct timing_words *words,
    timing_name *name, const void *arg, struct buf *out)
{
	struct family f = { .label = words->label, .out = out };
	bool listed[SLOTS];
	enum span span;
	size_t i;

	for (i = 0; i < SLOTS; i++) {
		struct entry *e = atomic_load(&t->slots[i]);

		listed[i] = e != NULL && is_listed(e, name, arg);
	}
	for (span = 0; span < SPANS; span++) {
		f.name = span == SPAN_TOTAL ? words->total : words->first;
		metrics_family(out, f.name, "histogram",
		    span == SPAN_TOTAL ? words->total_help : words->first_help);
		for (i = 0; i < SLOTS; i++)
			if (listed[i])
				put_entry(&f, atomic_load(&t->slots[i]), span);
		put_rest(&f, t, listed, span);
	}
}
