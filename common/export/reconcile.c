#include "common/export/reconcile.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"

struct work {
	const struct reconcile_wish *wish;
	struct reconciliation *out;
	pthread_mutex_t lock; /* of findings, while both sides are proved */
	struct side *node, *egress;
	/* The attempt being judged. */
	struct id request;
	int64_t attempt;
	bool unexplained;
};

static void
on_finding(void *arg, const char *line)
{
	struct work *w = arg;

	pthread_mutex_lock(&w->lock);
	if (w->wish->finding != NULL)
		w->wish->finding(w->wish->arg, line);
	pthread_mutex_unlock(&w->lock);
}

static void
on_difference(void *arg, const struct difference *d)
{
	struct work *w = arg;

	w->out->causes[d->cause]++;
	w->unexplained |= !cause_explains(d->cause);
	if (w->wish->difference != NULL)
		w->wish->difference(w->wish->arg, &w->request, w->attempt, d);
}

static void
month_of(const struct id *request, char month[8])
{
	char text[CLOCK_TEXT_BYTES];

	clock_write(id_time_ms(request) * US_PER_MS, text);
	memcpy(month, text, 7);
	month[7] = '\0';
}

/* The newest are at the end, and asked for most. */
static struct month_sums *
find_month(struct reconciliation *out, const struct attempt_row *a)
{
	struct month_sums *m;
	char month[8];
	size_t i;

	month_of(&a->request, month);
	for (i = out->months_count; i > 0; i--) {
		m = &out->months[i - 1];
		if (strcmp(m->month, month) == 0 && slice_is(a->team, m->team))
			return m;
	}
	if (out->months_count == SUM_MONTHS_MAX) {
		out->months_full = true;
		return NULL;
	}
	m = &out->months[out->months_count++];
	memcpy(m->month, month, sizeof(month));
	snprintf(m->team, sizeof(m->team), "%.*s", SLICE_FMT(a->team));
	return m;
}

/* Rows may say anything: sums stay at the top. */
static void
raise(int64_t *sum, int64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum))
		*sum = INT64_MAX;
}

static void
add(struct reconciliation *out, const struct attempt_row *a, bool egress)
{
	struct account_sums *sums;
	struct month_sums *m;

	if (a == NULL)
		return;
	m = find_month(out, a);
	if (m == NULL)
		return;
	sums = egress ? &m->egress : &m->node;
	sums->attempts++;
	raise(&sums->tokens, a->input_tokens);
	raise(&sums->tokens, a->cache_read_tokens);
	raise(&sums->tokens, a->cache_write_tokens);
	raise(&sums->tokens, a->cache_write_1h_tokens);
	raise(&sums->tokens, a->output_tokens);
	raise(&sums->tokens, a->reasoning_tokens);
	raise(&sums->microusd, a->cost_microusd);
}

static void
judge(struct work *w, const uint8_t key[ATTEMPT_ID_BYTES])
{
	struct reconciliation *out = w->out;
	struct case_pair pair;
	size_t count;

	memcpy(w->request.bytes, key, ID_BYTES);
	w->attempt = key[ID_BYTES];
	w->unexplained = false;
	side_take(w->node, key, &pair.node);
	side_take(w->egress, key, &pair.egress);
	add(out, pair.node.row, false);
	add(out, pair.egress.row, true);
	count = case_judge(&pair, on_difference, w);
	out->attempts++;
	out->matched += count == 0;
	out->unexplained += w->unexplained;
	out->explained += count > 0 && !w->unexplained;
}

static void
merge(struct work *w)
{
	uint8_t node[ATTEMPT_ID_BYTES], egress[ATTEMPT_ID_BYTES];
	bool has_node = side_peek(w->node, node);
	bool has_egress = side_peek(w->egress, egress);

	while (has_node || has_egress) {
		bool node_first =
		    !has_egress ||
		    (has_node && memcmp(node, egress, sizeof(node)) <= 0);

		judge(w, node_first ? node : egress);
		has_node = side_peek(w->node, node);
		has_egress = side_peek(w->egress, egress);
	}
}

static void *
prove(void *side)
{
	side_prove(side);
	return NULL;
}

/* Each side in a thread of its own: signatures are most of the work. */
static void
prove_both(struct work *w)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, prove, w->egress) != 0)
		abort();
	side_prove(w->node);
	pthread_join(thread, NULL);
}

static int64_t
end_of(const struct bundle *b)
{
	return b->manifest.to > 0 ? b->manifest.to : b->manifest.as_of;
}

static struct side_wish
wish_of(struct work *w, bool egress)
{
	const struct bundle *node = w->wish->node, *other = w->wish->egress;

	return (struct side_wish){
		.bundle = egress ? other : node,
		.other = egress ? node : other,
		.node = slice_of(node->manifest.member),
		.egress = slice_of(other->manifest.member),
		.is_egress = egress,
		.from = max_i64(node->manifest.from, other->manifest.from),
		.to = min_i64(end_of(node), end_of(other)),
		.keys = w->wish->keys,
		.finding = on_finding,
		.arg = w,
	};
}

static int
by_month(const void *a, const void *b)
{
	const struct month_sums *x = a, *y = b;
	int order = strcmp(x->month, y->month);

	return order != 0 ? order : strcmp(x->team, y->team);
}

bool
reconcile(const struct reconcile_wish *wish, struct reconciliation *out)
{
	struct work w = { .wish = wish, .out = out };
	struct side_wish node = wish_of(&w, false), egress = wish_of(&w, true);
	bool good;

	memset(out, 0, sizeof(*out));
	out->months = xcalloc(SUM_MONTHS_MAX, sizeof(*out->months));
	pthread_mutex_init(&w.lock, NULL);
	w.node = side_new(&node);
	w.egress = side_new(&egress);
	prove_both(&w);
	good = side_begin(w.node) && side_begin(w.egress);
	if (good)
		merge(&w);
	if (good && (side_failed(w.node) || side_failed(w.egress))) {
		on_finding(&w, "temporary files could not be read");
		good = false;
	}
	out->node = *side_audit(w.node);
	out->egress = *side_audit(w.egress);
	out->faults = side_faults(w.node) + side_faults(w.egress);
	qsort(out->months, out->months_count, sizeof(*out->months), by_month);
	side_free(w.node);
	side_free(w.egress);
	pthread_mutex_destroy(&w.lock);
	return good;
}

void
reconciliation_fini(struct reconciliation *r)
{
	free(r->months);
	r->months = NULL;
}

bool
reconciliation_is_clean(const struct reconciliation *r)
{
	return r->unexplained == 0 && r->faults == 0 && !r->months_full;
}
