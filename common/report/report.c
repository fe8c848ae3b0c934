#include "common/report/report.h"

#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/format/pack.h"
#include "common/store/book.h"
#include "common/store/recount.h"
#include "common/store/slip.h"

/* Whatever eight texts of a row come to. */
#define KEY_MAX    ((size_t)REPORT_BY_MAX * ROW_BYTES_MAX + 64)
#define TUPLES_MAX 32768 /* remembered at once */
#define LOOK_EVERY 1024  /* rows or cells between two looks at `stop` */

/* A set of dimensions that was met: parsed, and what it means here. */
struct tuple {
	uint8_t hash[ROLLUP_HASH_BYTES];
	struct buf bytes;
	struct dimensions dimensions;
	bool wanted;
	struct report_group *group; /* of the period below; or NULL */
	int64_t period;
};

struct keyed_group {
	struct report_group group; /* first: what is given away */
	struct buf key;
};

struct run {
	struct report *report;
	const struct report_query *q;
	struct ledger *ledger;
	struct db *db;
	struct map tuples, groups;
	struct total one;
	struct buf key;
	size_t cap; /* of report->groups */
	/* The baseline's prices as the last book that had it said, up to the
	 * row that is read: a node's own upstreams have books of their own. */
	struct price baseline;
	bool has_baseline;
	/* The book that was looked into last, there or not: rows of one
	 * name follow each other by the thousand. */
	struct buf book;
	int64_t looked;
	enum report_result result;
};

static bool
add_by(struct report_query *q, struct slice name, struct buf *why)
{
	enum period p = period_by_name(name);

	if (p != PERIODS) {
		/* The finest of those that are named. */
		if (!q->by_time || p < q->period)
			q->period = p;
		q->by_time = true;
		return true;
	}
	if (q->by_count == REPORT_BY_MAX) {
		buf_printf(why, "a report is by %d dimensions at most\n",
		    REPORT_BY_MAX);
		return false;
	}
	return criterion_read(&q->by[q->by_count++], name, why);
}

bool
report_by(struct report_query *q, struct slice list, struct buf *why)
{
	while (list.len > 0)
		if (!add_by(q, slice_cut(&list, ','), why))
			return false;
	return true;
}

/* The sides of a comparison that it is on, as bits. */
static unsigned
sides_of(const struct run *r, const struct dimensions *d)
{
	unsigned sides = 0;
	int i;

	for (i = 0; r->q->compared && i < SIDES; i++)
		if (filter_passes(&r->q->sides[i], d))
			sides |= 1u << i;
	return sides;
}

static bool
wanted(const struct run *r, const struct dimensions *d)
{
	return filter_passes(&r->q->filter, d) &&
	       filter_passes(&r->q->scope, d) &&
	       (!r->q->compared || sides_of(r, d) != 0);
}

/*** Groups. */

static void
write_key(struct run *r, int64_t period, const struct dimensions *d)
{
	size_t i;

	buf_reset(&r->key);
	pack_int(&r->key, period);
	pack_int(&r->key, sides_of(r, d));
	for (i = 0; i < r->q->by_count; i++)
		pack_text(&r->key, criterion_value(&r->q->by[i], d));
}

static void
read_values(struct keyed_group *g, const struct report_query *q)
{
	struct unpack u = unpack_start(buf_slice(&g->key));
	size_t i;

	g->group.period = unpack_int(&u);
	g->group.sides = (unsigned)unpack_int(&u);
	for (i = 0; i < q->by_count; i++)
		g->group.values[i] = unpack_text(&u);
}

static struct report_group *
group_new(struct run *r)
{
	struct keyed_group *g = xcalloc(1, sizeof(*g));
	struct report *report = r->report;

	buf_init(&g->key, KEY_MAX);
	buf_put_slice(&g->key, buf_slice(&r->key));
	read_values(g, r->q);
	map_put(&r->groups, buf_slice(&g->key), g);
	if (report->count == r->cap) {
		r->cap = r->cap == 0 ? 64 : 2 * r->cap;
		report->groups =
		    xrealloc(report->groups, r->cap * sizeof(*report->groups));
	}
	report->groups[report->count++] = &g->group;
	return &g->group;
}

/* NULL: there are too many, which ends the run. */
static struct report_group *
group_of(struct run *r, int64_t period, const struct dimensions *d)
{
	struct keyed_group *g;

	write_key(r, period, d);
	g = map_find(&r->groups, buf_slice(&r->key));
	if (g != NULL)
		return &g->group;
	if (r->report->count < REPORT_GROUPS_MAX)
		return group_new(r);
	r->result = REPORT_TOO_MANY;
	return NULL;
}

static void
count_one(struct run *r, struct report_group *g)
{
	total_add(&g->total, &r->one, 1);
}

static bool
goes_on(struct run *r)
{
	const atomic_bool *stop = r->q->stop;

	if (++r->looked % LOOK_EVERY == 0 && stop != NULL &&
	    atomic_load_explicit(stop, memory_order_relaxed))
		r->result = REPORT_STOPPED;
	return r->result == REPORT_OK;
}

/*** Cells. */

static void
tuple_free(struct tuple *t)
{
	buf_fini(&t->bytes);
	free(t);
}

static void
forget_tuples(struct run *r)
{
	struct tuple *t;
	size_t at = 0;

	while ((t = map_next(&r->tuples, &at)) != NULL)
		tuple_free(t);
	map_fini(&r->tuples);
	map_init(&r->tuples);
}

static struct tuple *
tuple_new(struct run *r, struct slice hash)
{
	struct tuple *t = xcalloc(1, sizeof(*t));

	buf_init(&t->bytes, ROW_BYTES_MAX);
	memcpy(t->hash, hash.ptr, ROLLUP_HASH_BYTES);
	if (!rollup_dimensions(r->db, hash, &t->bytes, &t->dimensions)) {
		tuple_free(t);
		return NULL;
	}
	t->wanted = wanted(r, &t->dimensions);
	if (r->tuples.count == TUPLES_MAX)
		forget_tuples(r);
	map_put(&r->tuples, slice_make(t->hash, sizeof(t->hash)), t);
	return t;
}

static struct report_group *
group_of_tuple(struct run *r, struct tuple *t, int64_t period)
{
	if (t->group == NULL || t->period != period)
		t->group = group_of(r, period, &t->dimensions);
	t->period = period;
	return t->group;
}

static void
take_cell(struct run *r, enum period p, struct slice key, struct slice value)
{
	struct report_group *group;
	struct rollup_place place;
	struct tuple *t;
	int64_t period = 0;

	if (!rollup_place(&place, key)) {
		r->result = REPORT_FAILED;
		return;
	}
	t = map_find(&r->tuples, place.hash);
	if (t == NULL)
		t = tuple_new(r, place.hash);
	if (t == NULL || !total_read(&r->one, value)) {
		r->result = REPORT_FAILED;
		return;
	}
	r->report->cells++;
	if (!t->wanted || total_empty(&r->one))
		return;
	if (r->q->by_time)
		period =
		    period_of(r->q->period, period_start_us(p, place.number));
	group = group_of_tuple(r, t, period);
	if (group != NULL)
		count_one(r, group);
}

static void
end_scan(struct run *r, struct db_scan *scan)
{
	if (db_scan_failed(scan))
		r->result = REPORT_FAILED;
	db_scan_free(scan);
}

/* Where slips are looked through for what cells lack. */
struct lack {
	struct run *run;
	enum period period;
	int64_t from, to;
};

static void
take_slip(void *arg, struct slice key, struct slice total)
{
	const struct lack *l = arg;
	char cell[ROLLUP_KEY_BYTES];
	struct rollup_place place;
	int64_t number;

	if (!goes_on(l->run) || !rollup_place(&place, key) ||
	    place.kind != l->run->q->kind)
		return;
	number =
	    period_of(l->period, period_start_us(PERIOD_HOUR, place.number));
	if (number < l->from || number >= l->to)
		return;
	rollup_key(cell, l->run->q->kind, l->period, number);
	memcpy(cell + 6, place.hash.ptr, ROLLUP_HASH_BYTES);
	take_cell(l->run, l->period, slice_make(cell, sizeof(cell)), total);
}

static void
read_slips(struct run *r, enum period p, int64_t from, int64_t to)
{
	struct lack lack = { r, p, from, to };

	if (r->result == REPORT_OK &&
	    !slips_each(ledger_slips(r->ledger), take_slip, &lack))
		r->result = REPORT_FAILED;
}

static void
read_cells(struct run *r, enum period p, int64_t from, int64_t to)
{
	char first[ROLLUP_KEY_BYTES], end[ROLLUP_KEY_BYTES];
	struct slice key, value;
	struct db_scan *scan;

	rollup_key(first, r->q->kind, p, from);
	rollup_key(end, r->q->kind, p, to);
	scan =
	    db_scan_new(r->db, FAMILY_ROLLUP, slice_make(first, sizeof(first)),
		slice_make(end, sizeof(end)), false);
	while (goes_on(r) && db_scan_next(scan, &key, &value))
		take_cell(r, p, key, value);
	end_scan(r, scan);
	read_slips(r, p, from, to);
}

/*** Rows. */

bool
report_qualifies(const struct request_row *row)
{
	return row->fail.len == 0 && row->attempts > 0 &&
	       slice_is(row->operation, "generate") &&
	       slice_is(row->usage_source, "provider");
}

/* r->baseline becomes that of the book, if it has one. */
static void
look_into_book(struct run *r, struct slice name)
{
	struct price price;

	if (name.len > 0 && slice_eq(name, buf_slice(&r->book)))
		return;
	buf_reset(&r->book);
	buf_put_slice(&r->book, name);
	if (!book_price(r->ledger, name, r->q->baseline, &price))
		return;
	r->baseline = price;
	r->has_baseline = true;
}

static void
price_baseline(struct run *r, const struct request_row *row)
{
	const struct usage usage = {
		.input_tokens = row->input_tokens,
		.cache_read_tokens = row->cache_read_tokens,
		.cache_write_tokens = row->cache_write_tokens,
		.cache_write_1h_tokens = row->cache_write_1h_tokens,
		.output_tokens = row->output_tokens,
		.reasoning_tokens = row->reasoning_tokens,
		.image_tokens = row->image_tokens,
		.web_searches = row->web_searches,
		.source = USAGE_PROVIDER,
	};

	if (!report_qualifies(row))
		return;
	look_into_book(r, row->price_book);
	if (!r->has_baseline)
		return;
	r->one.of[MEASURE_savings_requests] = 1;
	r->one.of[MEASURE_savings_cost_microusd] = row->cost_microusd;
	r->one.of[MEASURE_baseline_microusd] = price_cost(&r->baseline, &usage);
}

/* False: it counts for nothing here. */
static bool
read_row(struct run *r, struct slice value, struct dimensions *d,
    int64_t *wall_us)
{
	struct request_row request;
	struct attempt_row attempt;

	if (r->q->kind == ROW_REQUEST) {
		if (!row_read(ROW_REQUEST, value, &request))
			return false;
		dimensions_of_request(d, &request);
		total_of_request(&r->one, &request);
		*wall_us = id_time_ms(&request.id) * US_PER_MS;
		if (r->q->baseline.len > 0)
			price_baseline(r, &request);
	} else {
		if (!row_read(ROW_ATTEMPT, value, &attempt))
			return false;
		dimensions_of_attempt(d, &attempt);
		total_of_attempt(&r->one, &attempt);
		*wall_us = id_time_ms(&attempt.request) * US_PER_MS;
	}
	return !total_empty(&r->one) && wanted(r, d);
}

static void
take_row(struct run *r, struct slice value)
{
	struct report_group *group;
	struct dimensions d;
	int64_t wall_us;

	r->report->rows++;
	if (!read_row(r, value, &d, &wall_us))
		return;
	group = group_of(r,
	    r->q->by_time ? period_of(r->q->period, wall_us) : 0, &d);
	if (group != NULL)
		count_one(r, group);
}

static void
read_rows(struct run *r, int64_t from_us, int64_t to_us)
{
	struct id from = id_at(from_us), to = id_at(to_us);
	struct slice key, value;
	struct db_scan *scan;

	if (from_us >= to_us)
		return;
	scan = db_scan_new(r->db,
	    r->q->kind == ROW_REQUEST ? FAMILY_REQUEST : FAMILY_ATTEMPT,
	    slice_make(from.bytes, ID_BYTES), slice_make(to.bytes, ID_BYTES),
	    false);
	while (goes_on(r) && db_scan_next(scan, &key, &value))
		take_row(r, value);
	end_scan(r, scan);
}

/*** The window. */

/* Whole periods from their cells, what is left at its ends by finer ones. */
static void
read_window(struct run *r, int64_t from_us, int64_t to_us, int p)
{
	int64_t first, end;

	if (r->result != REPORT_OK || from_us >= to_us)
		return;
	if (p < 0) {
		read_rows(r, from_us, to_us);
		return;
	}
	first = period_of((enum period)p, from_us);
	if (period_start_us((enum period)p, first) < from_us)
		first++;
	end = period_of((enum period)p, to_us);
	if (first >= end) {
		read_window(r, from_us, to_us, p - 1);
		return;
	}
	read_window(r, from_us, period_start_us((enum period)p, first), p - 1);
	read_cells(r, (enum period)p, first, end);
	read_window(r, period_start_us((enum period)p, end), to_us, p - 1);
}

static int
compare(struct slice a, struct slice b)
{
	size_t n = min_size(a.len, b.len);
	int order = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;

	if (order == 0 && a.len != b.len)
		order = a.len < b.len ? -1 : 1;
	return order;
}

static int
by_time_and_cost(const void *a, const void *b)
{
	const struct report_group *x = *(struct report_group *const *)a;
	const struct report_group *y = *(struct report_group *const *)b;
	const enum measure m = MEASURE_cost_microusd;
	int order = 0, i;

	if (x->period != y->period)
		return x->period < y->period ? -1 : 1;
	if (x->total.of[m] != y->total.of[m])
		return x->total.of[m] > y->total.of[m] ? -1 : 1;
	for (i = 0; i < REPORT_BY_MAX && order == 0; i++)
		order = compare(x->values[i], y->values[i]);
	return order;
}

static void
finish(struct run *r)
{
	struct report *report = r->report;
	size_t i;

	for (i = 0; i < report->count; i++)
		total_add(&report->total, &report->groups[i]->total, 1);
	if (report->count > 0)
		qsort(report->groups, report->count, sizeof(*report->groups),
		    by_time_and_cost);
}

enum report_result
report_run(struct ledger *l, const struct report_query *q,
    struct report **report)
{
	struct run r = { .ledger = l, .db = ledger_db(l), .result = REPORT_OK };
	bool rows = q->rows || q->baseline.len > 0 || !recount_done(r.db) ||
		    !slips_post(ledger_slips(l));

	*report = xcalloc(1, sizeof(**report));
	(*report)->query = *q;
	r.report = *report;
	r.q = &(*report)->query;
	buf_init(&r.key, KEY_MAX);
	buf_init(&r.book, ROW_BYTES_MAX);
	map_init(&r.tuples);
	map_init(&r.groups);
	read_window(&r, q->from_us, q->to_us,
	    rows ? -1 : (int)(q->by_time ? q->period : PERIOD_MONTH));
	forget_tuples(&r);
	map_fini(&r.tuples);
	map_fini(&r.groups);
	total_fini(&r.one);
	buf_fini(&r.key);
	buf_fini(&r.book);
	finish(&r);
	(*report)->is_closed = closed_find(l, q, &(*report)->closed);
	return r.result;
}

const char *
report_source(const struct report *r)
{
	if (r->cells == 0)
		return "rows";
	return r->rows > 0 ? "roll-ups and rows" : "roll-ups";
}

void
report_free(struct report *r)
{
	size_t i;

	if (r == NULL)
		return;
	for (i = 0; i < r->count; i++) {
		struct keyed_group *g =
		    container_of(r->groups[i], struct keyed_group, group);

		total_fini(&g->group.total);
		buf_fini(&g->key);
		free(g);
	}
	total_fini(&r->total);
	free(r->groups);
	free(r);
}
