#include "common/limit/bar.h"

#include "common/base/buf.h"

#define MICRO        1000000
#define MICRO_DIGITS 6

void
bar_amount(struct buf *out, enum budget_unit unit, int64_t amount)
{
	int64_t rest = amount % MICRO;
	int digits = MICRO_DIGITS;

	if (unit != BUDGET_MICROUSD) {
		buf_printf(out, "%lld", (long long)amount);
		return;
	}
	if (amount < 0)
		buf_putc(out, '-');
	rest = rest < 0 ? -rest : rest;
	buf_printf(out, "%lld",
	    (long long)(amount / MICRO < 0 ? -(amount / MICRO)
					   : amount / MICRO));
	if (rest == 0)
		return;
	while (rest % 10 == 0) {
		rest /= 10;
		digits--;
	}
	buf_printf(out, ".%0*lld", digits, (long long)rest);
}

static void
put_whose(struct buf *out, const struct scope *s)
{
	buf_puts(out, scope_level_name(s->level));
	if (s->name.len > 0)
		buf_printf(out, " %.*s", SLICE_FMT(s->name));
}

void
bar_name(struct buf *out, const struct chain_bar *bar)
{
	put_whose(out, bar->scope);
	buf_printf(out, " %s",
	    bar->kind == LIMIT_BUDGET
		? budget_sum_name(bar->budget.window, bar->budget.unit)
		: limit_kind_name(bar->kind));
}

static const char *
unit_name(enum budget_unit unit)
{
	static const char *const names[BUDGET_UNITS] = {
		[BUDGET_REQUESTS] = "requests",
		[BUDGET_TOKENS] = "tokens",
		[BUDGET_MICROUSD] = "USD",
	};

	return names[unit];
}

static void
put_budget(struct buf *out, const struct budget_bar *b)
{
	bar_amount(out, b->unit, b->most);
	buf_printf(out, " %s, of which ", unit_name(b->unit));
	bar_amount(out, b->unit, b->posted);
	buf_puts(out, " are spent and ");
	bar_amount(out, b->unit, b->held);
	buf_puts(out, " held for requests under way.");
}

void
bar_text(struct buf *out, const struct chain_bar *bar)
{
	bar_name(out, bar);
	buf_puts(out, ": ");
	switch (bar->kind) {
	case LIMIT_BUDGET:
		put_budget(out, &bar->budget);
		break;
	case LIMIT_CONCURRENT:
		buf_printf(out,
		    "%lld requests at a time, and %lld are under "
		    "way.",
		    (long long)bar->most, (long long)bar->running);
		break;
	default:
		buf_printf(out, "%lld a minute.", (long long)bar->most);
		break;
	}
}
