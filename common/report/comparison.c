#include "common/report/comparison.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/memory.h"

#define BY "target,fail"

enum { BY_TARGET, BY_FAIL };

static const char *const side_names[SIDES] = { "fixed", "routed" };

bool
comparison_by(struct report_query *q, struct buf *why)
{
	return report_by(q, slice_of(BY), why);
}

/*** What is told. */

static const char *const unit_names[UNITS] = {
	[UNIT_COUNT] = "number",
	[UNIT_SHARE] = "share",
	[UNIT_TOKENS] = "tokens",
	[UNIT_MICROUSD] = "micro-USD",
	[UNIT_US] = "microseconds",
};

const char *
unit_name(enum unit unit)
{
	return unit_names[unit];
}

const char *
side_name(enum side side)
{
	return side_names[side];
}

static struct value
ratio(int64_t part, int64_t whole)
{
	struct value v = { .there = whole > 0 };

	if (v.there)
		v.number = (double)part / (double)whole;
	return v;
}

static struct value
count(int64_t number)
{
	return (struct value){ true, (double)number };
}

static struct value
quantile(const struct total *t, enum sketched s, int per_mille)
{
	const struct sketch *sketch = &t->sketches[s];

	return (struct value){ sketch_total(sketch) > 0,
		(double)sketch_quantile(sketch, per_mille) };
}

#define OF(m)     (t->of[MEASURE_##m])
#define EACH(sum) ratio((sum), OF(requests))
#define FIGURE(name, expression)                                               \
	static struct value name(const struct total *t)                        \
	{                                                                      \
		return (expression);                                           \
	}

FIGURE(requests, count(OF(requests)))
FIGURE(succeeded, EACH(OF(requests) - OF(errors)))
FIGURE(refused, EACH(OF(refused)))
FIGURE(cost, count(OF(cost_microusd)))
FIGURE(cost_each, EACH(OF(cost_microusd)))
FIGURE(cost_good, ratio(OF(cost_microusd), OF(requests) - OF(errors)))
FIGURE(input, EACH(OF(input_tokens)))
FIGURE(cached, EACH(OF(cache_read_tokens)))
FIGURE(written, EACH(OF(cache_write_tokens) + OF(cache_write_1h_tokens)))
FIGURE(output, EACH(OF(output_tokens) + OF(reasoning_tokens)))
FIGURE(total_p50, quantile(t, SKETCH_TOTAL, 500))
FIGURE(total_p90, quantile(t, SKETCH_TOTAL, 900))
FIGURE(total_p99, quantile(t, SKETCH_TOTAL, 990))
FIGURE(first_p50, quantile(t, SKETCH_FIRST_BYTE, 500))
FIGURE(first_p90, quantile(t, SKETCH_FIRST_BYTE, 900))
FIGURE(first_p99, quantile(t, SKETCH_FIRST_BYTE, 990))
FIGURE(attempts, EACH(OF(attempts)))
FIGURE(fallbacks, EACH(OF(fallbacks)))

static const struct figure {
	const char *name; /* for programs */
	const char *label, *meaning;
	enum unit unit;
	struct value (*of)(const struct total *t);
} figures[] = {
	{ "requests", "requests", "that ended", UNIT_COUNT, requests },
	{ "success_share", "succeeded", "of them, told no error", UNIT_SHARE,
	    succeeded },
	{ "refused_share", "refused",
	    "of them, by a limit, a budget or shaping", UNIT_SHARE, refused },
	{ "cost_microusd", "cost", "of all, also of those that failed",
	    UNIT_MICROUSD, cost },
	{ "cost_per_request_microusd", "cost a request", "of each",
	    UNIT_MICROUSD, cost_each },
	{ "cost_per_success_microusd", "cost a success",
	    "of all, by those that succeeded", UNIT_MICROUSD, cost_good },
	{ "input_tokens_per_request", "input a request", "not cached",
	    UNIT_TOKENS, input },
	{ "cache_read_tokens_per_request", "cached a request",
	    "input read from a cache", UNIT_TOKENS, cached },
	{ "cache_write_tokens_per_request", "written a request",
	    "input written to a cache", UNIT_TOKENS, written },
	{ "output_tokens_per_request", "output a request", "with reasoning",
	    UNIT_TOKENS, output },
	{ "total_p50_us", "whole p50", "head read to settlement, median",
	    UNIT_US, total_p50 },
	{ "total_p90_us", "whole p90", "90 % are not above it", UNIT_US,
	    total_p90 },
	{ "total_p99_us", "whole p99", "99 % are not above it", UNIT_US,
	    total_p99 },
	{ "first_byte_p50_us", "first p50", "to the first content, median",
	    UNIT_US, first_p50 },
	{ "first_byte_p90_us", "first p90", "90 % are not above it", UNIT_US,
	    first_p90 },
	{ "first_byte_p99_us", "first p99", "99 % are not above it", UNIT_US,
	    first_p99 },
	{ "attempts_per_request", "calls a request", "upstream calls",
	    UNIT_COUNT, attempts },
	{ "fallback_share", "fallbacks",
	    "calls of a further target after another had failed, by requests",
	    UNIT_SHARE, fallbacks },
};

/*** Adding up. */

static void
add_part(struct parts *parts, struct slice name, unsigned sides, int64_t n)
{
	struct part *part = &parts->at[parts->count++];
	int i;

	*part = (struct part){ .name = name };
	for (i = 0; i < SIDES; i++)
		if (sides & (1u << i))
			part->of[i] = n;
}

static int
by_name(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	size_t n = min_size(x->name.len, y->name.len);
	int order = n > 0 ? memcmp(x->name.ptr, y->name.ptr, n) : 0;

	return order != 0
		   ? order
		   : (x->name.len > y->name.len) - (x->name.len < y->name.len);
}

static int
by_requests(const void *a, const void *b)
{
	const struct part *x = a, *y = b;
	int64_t n = x->of[SIDE_FIXED] + x->of[SIDE_ROUTED];
	int64_t m = y->of[SIDE_FIXED] + y->of[SIDE_ROUTED];

	return n != m ? (n < m) - (n > m) : by_name(a, b);
}

/* Those of one name become one, the commonest first. */
static void
sort_parts(struct parts *parts)
{
	size_t kept = 0, i;
	int k;

	if (parts->count == 0)
		return;
	qsort(parts->at, parts->count, sizeof(*parts->at), by_name);
	for (i = 1; i < parts->count; i++) {
		if (!slice_eq(parts->at[i].name, parts->at[kept].name)) {
			parts->at[++kept] = parts->at[i];
			continue;
		}
		for (k = 0; k < SIDES; k++)
			parts->at[kept].of[k] += parts->at[i].of[k];
	}
	parts->count = kept + 1;
	qsort(parts->at, parts->count, sizeof(*parts->at), by_requests);
}

static void
add_group(struct comparison *c, const struct report_group *g)
{
	int64_t n = g->total.of[MEASURE_requests];
	int i;

	for (i = 0; i < SIDES; i++)
		if (g->sides & (1u << i))
			total_add(&c->sides[i], &g->total, 1);
	if (g->sides == (1u << SIDES) - 1)
		c->both += n;
	if (n == 0)
		return;
	add_part(&c->targets, g->values[BY_TARGET], g->sides, n);
	if (g->values[BY_FAIL].len > 0)
		add_part(&c->errors, g->values[BY_FAIL], g->sides, n);
}

void
comparison_init(struct comparison *c, const struct report *r)
{
	size_t room = (r->count + 1) * sizeof(struct part), i;

	assert(r->query.compared);
	*c = (struct comparison){ .report = r,
		.errors = { "error", xmalloc(room), 0 },
		.targets = { "target", xmalloc(room), 0 } };
	for (i = 0; i < r->count; i++)
		add_group(c, r->groups[i]);
	sort_parts(&c->errors);
	sort_parts(&c->targets);
}

void
comparison_fini(struct comparison *c)
{
	int i;

	for (i = 0; i < SIDES; i++)
		total_fini(&c->sides[i]);
	free(c->errors.at);
	free(c->targets.at);
}

int64_t
comparison_requests(const struct comparison *c, enum side side)
{
	return c->sides[side].of[MEASURE_requests];
}

static struct line
line_of(enum unit unit, struct value fixed, struct value routed)
{
	struct line l = { .unit = unit, .of = { fixed, routed } };

	if (!fixed.there || !routed.there)
		return l;
	l.difference = count(0);
	l.difference.number = routed.number - fixed.number;
	/* Of two shares a difference in points says it, a share of a share
	 * confuses. */
	l.percent.there = unit != UNIT_SHARE && fixed.number != 0;
	if (l.percent.there)
		l.percent.number = 100 * l.difference.number / fixed.number;
	return l;
}

bool
comparison_line(const struct comparison *c, size_t index, struct line *l)
{
	const struct figure *f = &figures[index];

	if (index >= count_of(figures))
		return false;
	*l = line_of(f->unit, f->of(&c->sides[SIDE_FIXED]),
	    f->of(&c->sides[SIDE_ROUTED]));
	l->name = f->name;
	l->label = f->label;
	return true;
}

struct line
comparison_part(const struct part *p)
{
	return line_of(UNIT_COUNT, count(p->of[SIDE_FIXED]),
	    count(p->of[SIDE_ROUTED]));
}

struct value
comparison_share(const struct comparison *c, const struct part *p,
    enum side side)
{
	return ratio(p->of[side], comparison_requests(c, side));
}

void
comparison_docs(struct buf *out)
{
	size_t i;

	buf_puts(out, "\n## figures of comparisons\n\n| figure | as text | "
		      "unit | meaning |\n|---|---|---|---|\n");
	for (i = 0; i < count_of(figures); i++)
		buf_printf(out, "| `%s` | %s | %s | %s |\n", figures[i].name,
		    figures[i].label, unit_name(figures[i].unit),
		    figures[i].meaning);
}
