#include "common/invoice/balance.h"

#include <stdlib.h>

#define A_MILLION 1000000

/* Calls at one midnight that are tried together. */
#define EDGES_TRIED 4096

struct balancing {
	struct bookings *bookings;
	struct cells *cells;
	const bool *has;
	bool tokens; /* some are compared */
};

/* What no part explains yet. */
static int64_t
rest_of(const struct cell *cell, enum quantity q)
{
	int64_t rest = cell->invoice.of[q] - cell->ledger.of[q];
	enum residual r;

	for (r = 0; r < RESIDUALS; r++)
		rest -= cell->parts[r].of[q];
	return rest;
}

static int64_t
clamp(int64_t n, int64_t least, int64_t most)
{
	return max_i64(least, min_i64(n, most));
}

/* By how much the money of a cell may be off without a reason. */
static int64_t
slack_of(const struct cell *cell)
{
	return (cell->grain + 999) / 1000 + 1;
}

/* Has the cell so much too much (sign -1), or lacks it so much (1)? */
static bool
lacks(const struct cell *cell, const struct quantities *q, int sign)
{
	enum quantity k;

	for (k = 0; k < QUANTITY_COST && !cell->outside; k++)
		if (sign * rest_of(cell, k) < q->of[k])
			return false;
	return true;
}

static bool
lacks_money(const struct cell *cell, const struct quantities *q, int sign)
{
	return cell->outside ||
	       sign * rest_of(cell, QUANTITY_COST) + slack_of(cell) >=
		   q->of[QUANTITY_COST];
}

/* May the call's figures be in the other cell?  Then both are nearer. */
static bool
moves(const struct balancing *b, const struct edge *e)
{
	if (e->moved || (e->from->outside && e->to->outside))
		return false;
	if (!b->tokens)
		return e->q.of[QUANTITY_COST] > 0 &&
		       lacks_money(e->money_from, &e->q, -1) &&
		       lacks_money(e->money_to, &e->q, 1);
	return lacks(e->from, &e->q, -1) && lacks(e->to, &e->q, 1);
}

static int64_t
left_day(const struct edge *e)
{
	return min_i64(e->from->day, e->to->day);
}

/* By midnight and model; those that reach furthest over it first. */
static int
compare_edges(const void *a, const void *b)
{
	const struct edge *one = a, *other = b;
	int64_t days = left_day(one) - left_day(other);
	int order = strcmp(one->from->model, other->from->model);

	if (days != 0)
		return days < 0 ? -1 : 1;
	if (order != 0)
		return order;
	return (one->distance_us < other->distance_us) -
	       (one->distance_us > other->distance_us);
}

static bool
move_part(struct cell *tokens, struct cell *money, struct quantities q,
    int sign)
{
	struct quantities cost = { { 0 } };

	cost.of[QUANTITY_COST] = q.of[QUANTITY_COST];
	q.of[QUANTITY_COST] = 0;
	return quantities_add(&tokens->parts[RESIDUAL_DAY_EDGE], &q, sign) &&
	       quantities_add(&money->parts[RESIDUAL_DAY_EDGE], &cost, sign);
}

/* There, or (sign -1) back again. */
static bool
move(struct edge *e, int sign)
{
	e->moved = sign > 0;
	return move_part(e->from, e->money_from, e->q, -sign) &&
	       move_part(e->to, e->money_to, e->q, sign);
}

static bool
is_even(const struct cell *cell)
{
	enum quantity q;

	for (q = 0; q < QUANTITY_COST; q++)
		if (rest_of(cell, q) != 0)
			return false;
	return true;
}

/*
 * One midnight of a model, seen from the day before it, whose other midnight
 * is settled: what moves there is right when that day comes out even.  The
 * day after may look even as it is, as it gives calls to the next one.
 */
static bool
settle_midnight(struct edge *edges, size_t count)
{
	struct cell *left =
	    edges[0].from->day < edges[0].to->day ? edges[0].from : edges[0].to;
	bool good = true, tried[EDGES_TRIED] = { false };
	size_t i;

	count = min_size(count, EDGES_TRIED);
	if (left->outside || is_even(left))
		return true;
	for (i = 0; i < count; i++) {
		struct edge *e = &edges[i];

		if (!e->moved && lacks(left, &e->q, e->from == left ? -1 : 1)) {
			tried[i] = true;
			good &= move(e, 1);
		}
	}
	for (i = 0; i < count && !is_even(left); i++)
		if (tried[i]) {
			tried[i] = false;
			good &= move(&edges[i], -1);
		}
	return good;
}

static bool
move_edges(struct balancing *b)
{
	struct bookings *of = b->bookings;
	bool good = true;
	size_t i, to;

	if (of->edges_count > 0)
		qsort(of->edges, of->edges_count, sizeof(of->edges[0]),
		    compare_edges);
	for (i = 0; i < of->edges_count; i++)
		if (moves(b, &of->edges[i]))
			good &= move(&of->edges[i], 1);
	for (i = 0; i < of->edges_count && b->tokens; i = to) {
		const struct edge *first = &of->edges[i];

		for (to = i;
		     to < of->edges_count &&
		     left_day(&of->edges[to]) == left_day(first) &&
		     strcmp(of->edges[to].from->model, first->from->model) == 0;
		     to++)
			;
		good &= settle_midnight(&of->edges[i], to - i);
	}
	return good;
}

static void
take_guess(struct cell *cell, enum residual r, const struct guessed *g)
{
	bool more = rest_of(cell, QUANTITY_REQUESTS) > cell->failed;
	enum quantity q;

	for (q = 0; q < QUANTITY_COST; q++)
		cell->parts[r].of[q] = clamp(rest_of(cell, q), -g->own.of[q],
		    more ? 0 : g->up.of[q]);
}

/* Tokens, searches and perhaps requests that are left: which way? */
static void
see_signs(const struct cell *cell, bool *more, bool *less)
{
	enum quantity q;
	int64_t rest;

	*more = *less = false;
	for (q = 0; q < QUANTITY_COST; q++) {
		rest = rest_of(cell, q);
		*more |= rest > 0;
		*less |= rest < 0;
	}
}

static bool
only_requests(const struct cell *cell)
{
	enum quantity q;

	for (q = QUANTITY_INPUT; q < QUANTITY_COST; q++)
		if (rest_of(cell, q) != 0)
			return false;
	return true;
}

/* What the rest is; RESIDUALS: there is none. */
static enum residual
cause_of_rest(const struct cell *cell, bool known)
{
	bool more, less;

	see_signs(cell, &more, &less);
	if (more && less)
		return RESIDUAL_UNEXPLAINED;
	if (more)
		return known ? RESIDUAL_NOT_ROUTED : RESIDUAL_UNKNOWN_MODEL;
	return less ? RESIDUAL_NOT_INVOICED : RESIDUALS;
}

static void
explain_tokens(struct cell *cell, bool known)
{
	enum residual cause;
	enum quantity q;

	take_guess(cell, RESIDUAL_INTERRUPTED, &cell->interrupted);
	take_guess(cell, RESIDUAL_ESTIMATE, &cell->estimated);
	if (only_requests(cell))
		cell->parts[RESIDUAL_FAILED].of[QUANTITY_REQUESTS] =
		    clamp(rest_of(cell, QUANTITY_REQUESTS), 0, cell->failed);
	cause = cause_of_rest(cell, known);
	for (q = 0; q < QUANTITY_COST && cause != RESIDUALS; q++)
		cell->parts[cause].of[q] += rest_of(cell, q);
}

/* What tokens cost by a cell's prices; a part of many calls has no tier. */
static int64_t
cost_of(const struct cell *cell, const struct quantities *q)
{
	struct price flat = cell->price;
	struct price_rates r;
	__int128 sum;

	flat.tiers_count = 0;
	r = price_rates_at(&flat, 0);
	sum = (__int128)q->of[QUANTITY_INPUT] * r.input +
	      (__int128)q->of[QUANTITY_CACHE_READ] * r.cached_input +
	      (__int128)q->of[QUANTITY_CACHE_WRITE] * r.cache_write_5m +
	      (__int128)q->of[QUANTITY_CACHE_WRITE_1H] * r.cache_write_1h +
	      (__int128)q->of[QUANTITY_OUTPUT] * r.output;
	sum += sum < 0 ? -A_MILLION / 2 : A_MILLION / 2;
	sum = sum / A_MILLION +
	      (__int128)q->of[QUANTITY_REQUESTS] * flat.request_microusd +
	      (__int128)q->of[QUANTITY_SEARCHES] * flat.web_search_microusd;
	if (sum > QUANTITY_MAX || sum < -QUANTITY_MAX)
		return 0; /* left to what follows */
	return (int64_t)sum;
}

/* Money that is being explained: of one cell, or of a day. */
struct purse {
	struct cell *money;
	enum residual open; /* tokens of it have no price; RESIDUALS: none */
	bool unexplained;   /* tokens of it are */
};

static void
price_part(struct purse *p, struct cell *cell, enum residual r)
{
	struct quantities q = cell->parts[r];

	/* Ours is 0 for what a killed process had called for. */
	if (r == RESIDUAL_INTERRUPTED &&
	    !quantities_add(&q, &cell->interrupted.own, 1))
		return;
	q.of[QUANTITY_COST] = 0;
	if (quantities_none(&q))
		return;
	p->unexplained |= r == RESIDUAL_UNEXPLAINED;
	if (cell->priced)
		p->money->parts[r].of[QUANTITY_COST] += cost_of(cell, &q);
	else
		p->open = r;
}

static void
price_parts(struct purse *p, struct cell *cell)
{
	static const enum residual of[] = { RESIDUAL_INTERRUPTED,
		RESIDUAL_ESTIMATE, RESIDUAL_NOT_ROUTED, RESIDUAL_NOT_INVOICED,
		RESIDUAL_UNKNOWN_MODEL, RESIDUAL_UNEXPLAINED };
	size_t i;

	for (i = 0; i < count_of(of); i++)
		price_part(p, cell, of[i]);
}

/* Where only money is told, tokens say nothing. */
static enum residual
cause_of_money(const struct cell *money, int64_t rest, bool known)
{
	if (money->ledger.of[QUANTITY_COST] == 0 && rest > 0)
		return known ? RESIDUAL_NOT_ROUTED : RESIDUAL_UNKNOWN_MODEL;
	if (money->invoice.of[QUANTITY_COST] == 0 && rest < 0)
		return RESIDUAL_NOT_INVOICED;
	return RESIDUAL_UNEXPLAINED;
}

/* Does the sign of the money go with the cause? */
static bool
agrees(enum residual r, int64_t rest)
{
	if (r == RESIDUAL_NOT_ROUTED || r == RESIDUAL_UNKNOWN_MODEL)
		return rest > 0;
	return r != RESIDUAL_NOT_INVOICED || rest < 0;
}

static void
explain_money(const struct balancing *b, struct purse *p, bool known)
{
	struct cell *money = p->money;
	int64_t rest = rest_of(money, QUANTITY_COST);
	int64_t calls = (money->calls + 1) / 2;
	enum residual r = RESIDUAL_PRICE_BOOK;

	if (rest == 0)
		return;
	if (p->open != RESIDUALS)
		r = agrees(p->open, rest) ? p->open : RESIDUAL_UNEXPLAINED;
	else if (p->unexplained)
		r = RESIDUAL_UNEXPLAINED;
	else if (llabs(rest) <= slack_of(money) + calls)
		r = RESIDUAL_ROUNDING;
	else if (!b->tokens)
		r = cause_of_money(money, rest, known);
	money->parts[r].of[QUANTITY_COST] += rest;
}

/* Cells of one model, [from, to): is it called at all, and what for? */
static bool
see_model(struct balancing *b, size_t from, size_t to)
{
	const struct cell *with = NULL;
	bool known = false;
	size_t i;

	for (i = from; i < to; i++) {
		struct cell *cell = cells_at(b->cells, i);

		known |= cell->booked;
		if (cell->priced)
			with = cell;
	}
	/* Days without a call have the prices of the days before; those
	 * before the first call have the last ones that are known. */
	for (i = from; i < to && with != NULL; i++) {
		struct cell *cell = cells_at(b->cells, i);

		if (cell->priced)
			with = cell;
		cell->price = with->price;
		cell->priced = true;
	}
	return known;
}

static void
explain_model(struct balancing *b, size_t from, size_t to)
{
	bool known = see_model(b, from, to);
	bool by_day = b->bookings->invoice->money_by_day;
	size_t i;

	for (i = from; i < to; i++) {
		struct cell *cell = cells_at(b->cells, i);
		struct purse purse = { .money = cell, .open = RESIDUALS };

		if (cell->outside)
			continue;
		explain_tokens(cell, known);
		if (by_day || !b->has[QUANTITY_COST])
			continue;
		price_parts(&purse, cell);
		explain_money(b, &purse, known);
	}
}

/* A day's money, of all its models. */
static void
explain_day(struct balancing *b, struct cell *money)
{
	struct purse purse = { .money = money, .open = RESIDUALS };
	struct cell *cell;
	size_t i;

	for (i = 0; (cell = cells_at(b->cells, i)) != NULL; i++)
		if (cell->day == money->day && cell != money)
			price_parts(&purse, cell);
	explain_money(b, &purse, true);
}

static void
explain(struct balancing *b)
{
	struct cell *cell, *first;
	size_t from = 0, to;

	while ((first = cells_at(b->cells, from)) != NULL) {
		for (to = from + 1; (cell = cells_at(b->cells, to)) != NULL &&
				    strcmp(cell->model, first->model) == 0;
		     to++)
			;
		if (first->model[0] != '\0')
			explain_model(b, from, to);
		from = to;
	}
	for (from = 0; (cell = cells_at(b->cells, from)) != NULL; from++)
		if (cell->model[0] == '\0' && !cell->outside)
			explain_day(b, cell);
}

static bool
add_up(const struct balancing *b, struct balance *out)
{
	const struct cell *cell;
	bool good = true;
	enum residual r;
	size_t i;

	out->explained = true;
	for (i = 0; (cell = cells_at(b->cells, i)) != NULL; i++) {
		if (cell->outside)
			continue;
		out->cells++;
		good &= quantities_add(&out->invoice, &cell->invoice, 1) &&
			quantities_add(&out->ledger, &cell->ledger, 1);
		for (r = 0; r < RESIDUALS; r++) {
			if (quantities_none(&cell->parts[r]))
				continue;
			good &=
			    quantities_add(&out->parts[r], &cell->parts[r], 1);
			out->found[r]++;
			out->explained &= residual_explains(r);
		}
	}
	return good;
}

bool
balance_run(struct bookings *bookings, struct balance *out)
{
	struct balancing b = { .bookings = bookings,
		.cells = bookings->cells,
		.has = bookings->invoice->has };
	enum quantity q;

	*out = (struct balance){ 0 };
	for (q = QUANTITY_INPUT; q < QUANTITY_COST; q++)
		b.tokens |= b.has[q];
	cells_sort(b.cells);
	if (!move_edges(&b))
		return false;
	explain(&b);
	return add_up(&b, out);
}
