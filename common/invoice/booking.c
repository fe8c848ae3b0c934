#include "common/invoice/booking.h"

#include <stdlib.h>

#include "common/base/memory.h"
#include "common/limit/calendar.h"

#define FIRST_EDGES 64

/* A request may go on for so long before its last call begins. */
#define BEFORE_DAYS 2

/* Of a call of which nothing at all is known, when its process was killed. */
#define UNSEEN_OUTPUT 32768

static bool
is_outside(const struct bookings *b, int64_t day)
{
	return day < b->first_day || day > b->last_day;
}

void
bookings_init(struct bookings *b, const struct invoice *invoice,
    struct slice provider, struct slice member)
{
	struct cell *cell;
	size_t i;

	*b = (struct bookings){ .invoice = invoice,
		.cells = invoice->cells,
		.provider = provider,
		.member = member,
		.first_day = invoice->first_day,
		.last_day = invoice->last_day };
	for (i = 0; (cell = cells_at(b->cells, i)) != NULL; i++)
		cell->outside = is_outside(b, cell->day);
}

void
bookings_fini(struct bookings *b)
{
	free(b->edges);
}

int64_t
bookings_from_us(const struct bookings *b)
{
	return max_i64(calendar_day_us(b->first_day - BEFORE_DAYS), 0);
}

int64_t
bookings_to_us(const struct bookings *b)
{
	return calendar_day_us(b->last_day + 1) + EDGE_US;
}

static bool
is_provider(struct slice provider, struct slice target)
{
	return target.len > provider.len && target.ptr[provider.len] == '/' &&
	       slice_eq(slice_make(target.ptr, provider.len), provider);
}

static int64_t
ended_us(const struct attempt_row *row)
{
	return row->started_at + row->total_us;
}

bool
booking_is_own(const struct bookings *b, const struct attempt_row *row)
{
	return row->egress.len == 0 || slice_eq(row->egress, b->member);
}

bool
booking_is_wanted(const struct bookings *b, const struct attempt_row *row)
{
	int64_t day = calendar_day(row->started_at);

	if (!is_provider(b->provider, row->target) || !booking_is_own(b, row))
		return false;
	return day <= b->last_day + 1 &&
	       calendar_day(ended_us(row) + EDGE_US) >= b->first_day;
}

/* What the invoice does not tell apart is put together. */
static void
fold(const struct invoice *i, struct quantities *q)
{
	static const enum quantity into[QUANTITIES] = {
		[QUANTITY_CACHE_WRITE_1H] = QUANTITY_CACHE_WRITE,
		[QUANTITY_CACHE_WRITE] = QUANTITY_INPUT,
		[QUANTITY_CACHE_READ] = QUANTITY_INPUT,
	};
	static const enum quantity order[] = { QUANTITY_CACHE_WRITE_1H,
		QUANTITY_CACHE_WRITE, QUANTITY_CACHE_READ };
	enum quantity k;
	size_t n;

	for (n = 0; n < count_of(order); n++) {
		k = order[n];
		if (i->has[k])
			continue;
		q->of[into[k]] += q->of[k];
		q->of[k] = 0;
	}
	for (k = 0; k < QUANTITIES; k++)
		if (!i->has[k])
			q->of[k] = 0;
}

static void
read_row(const struct attempt_row *row, struct quantities *q)
{
	q->of[QUANTITY_REQUESTS] = 1;
	q->of[QUANTITY_INPUT] = row->input_tokens;
	q->of[QUANTITY_CACHE_READ] = row->cache_read_tokens;
	q->of[QUANTITY_CACHE_WRITE] = row->cache_write_tokens;
	q->of[QUANTITY_CACHE_WRITE_1H] = row->cache_write_1h_tokens;
	q->of[QUANTITY_OUTPUT] = row->output_tokens + row->reasoning_tokens;
	q->of[QUANTITY_SEARCHES] = row->web_searches;
	q->of[QUANTITY_COST] = row->cost_microusd;
}

/* How many tokens more there may have been than were counted. */
static struct quantities
more_of(const struct bookings *b, const struct attempt_row *row,
    const struct quantities *own)
{
	int64_t input = own->of[QUANTITY_INPUT] + own->of[QUANTITY_CACHE_READ] +
			own->of[QUANTITY_CACHE_WRITE] +
			own->of[QUANTITY_CACHE_WRITE_1H];
	int64_t output = max_i64(row->held_tokens, row->answer_bytes);
	struct quantities up = { { 0 } };
	enum quantity k;

	input = max_i64(row->body_bytes - input, 0);
	if (output == 0 && slice_is(row->state, "interrupted"))
		output = UNSEEN_OUTPUT;
	for (k = QUANTITY_INPUT; k <= QUANTITY_CACHE_WRITE_1H; k++)
		up.of[k] = b->invoice->has[k] ? input : 0;
	if (b->invoice->has[QUANTITY_OUTPUT])
		up.of[QUANTITY_OUTPUT] =
		    max_i64(output - own->of[QUANTITY_OUTPUT], 0);
	return up;
}

static struct cell *
get_cell(struct bookings *b, int64_t day, struct slice model)
{
	struct cell *cell = cells_get(b->cells, day, model);

	if (cell == NULL)
		b->full = true;
	else
		cell->outside = is_outside(b, day);
	return cell;
}

static struct cell *
cell_of(struct bookings *b, int64_t day, const struct attempt_row *row)
{
	return get_cell(b, day, slice_after(row->target, b->provider.len + 1));
}

/* The cell where its money is. */
static struct cell *
money_cell(struct bookings *b, struct cell *cell)
{
	if (!b->invoice->money_by_day)
		return cell;
	return get_cell(b, cell->day, slice_make("", 0));
}

/* Whole calls are moved; of guesses, the other day may have them, too. */
static void
note_edge(struct bookings *b, const struct edge *e, struct guessed *guess)
{
	struct quantities up = e->q;

	if (guess != NULL) {
		up.of[QUANTITY_COST] = 0;
		b->full |= !quantities_add(&guess->up, &up, 1);
		return;
	}
	if (b->edges_count == EDGES_MAX)
		return;
	if (b->edges_count == b->edges_room) {
		b->edges_room =
		    b->edges_room == 0 ? FIRST_EDGES : 2 * b->edges_room;
		b->edges =
		    xrealloc(b->edges, b->edges_room * sizeof(b->edges[0]));
	}
	b->edges[b->edges_count++] = *e;
}

enum source { SOURCE_PROVIDER, SOURCE_GUESS, SOURCE_KILLED };

static struct guessed *
guess_of(struct cell *cell, enum source source)
{
	if (source == SOURCE_PROVIDER)
		return NULL;
	return source == SOURCE_KILLED ? &cell->interrupted : &cell->estimated;
}

/* It may be counted on the day after its own, or on the day before. */
static void
look_at_midnight(struct bookings *b, const struct attempt_row *row,
    struct edge *e, enum source source)
{
	int64_t day = e->from->day;
	int64_t begins = calendar_day_us(day), ends = calendar_day_us(day + 1);
	int64_t at[2] = { ended_us(row) + EDGE_US - ends,
		begins + EDGE_US - row->started_at };
	size_t n;

	for (n = 0; n < 2; n++) {
		if (at[n] <= 0)
			continue;
		e->to = cell_of(b, n == 0 ? day + 1 : day - 1, row);
		if (e->to == NULL)
			return;
		e->money_to = money_cell(b, e->to);
		e->distance_us = at[n];
		if (e->money_to != NULL)
			note_edge(b, e, guess_of(e->to, source));
	}
}

static void
book(struct bookings *b, const struct attempt_row *row, struct edge *e,
    enum source source)
{
	struct guessed *guess = guess_of(e->from, source);
	struct quantities tokens = e->q, money = { { 0 } };
	struct quantities up;

	money.of[QUANTITY_COST] = tokens.of[QUANTITY_COST];
	tokens.of[QUANTITY_COST] = 0;
	b->full |= !quantities_add(&e->from->ledger, &tokens, 1) ||
		   !quantities_add(&e->money_from->ledger, &money, 1);
	e->money_from->booked = true;
	e->money_from->calls++;
	if (guess != NULL) {
		up = more_of(b, row, &tokens);
		b->full |= !quantities_add(&guess->own, &tokens, 1) ||
			   !quantities_add(&guess->up, &up, 1);
	}
	look_at_midnight(b, row, e, source);
}

void
booking_take(struct bookings *b, const struct attempt_row *row,
    const struct price *price)
{
	struct edge e = { 0 };
	enum source source = SOURCE_PROVIDER;

	e.from = cell_of(b, calendar_day(row->started_at), row);
	e.money_from = e.from != NULL ? money_cell(b, e.from) : NULL;
	if (e.money_from == NULL)
		return;
	e.from->booked = true;
	b->calls++;
	if (price != NULL) {
		e.from->price = *price;
		e.from->priced = true;
	}
	if (slice_is(row->state, "interrupted"))
		source = SOURCE_KILLED;
	else if (slice_is(row->usage_source, "partial") ||
		 slice_is(row->usage_source, "estimated"))
		source = SOURCE_GUESS;
	else if (!slice_is(row->usage_source, "provider")) {
		e.from->failed += row->status != 0;
		return;
	}
	read_row(row, &e.q);
	fold(b->invoice, &e.q);
	book(b, row, &e, source);
}
