#include "common/member/balance.h"

#include <stdio.h>

#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/limit/calendar.h"

#define MONEY_CHARS 32
#define USD_DIGITS  1000000 /* micro-USD in one */

static struct balance_line
rate_line(const struct limits_standing *s, enum limit_kind kind)
{
	const struct rate_terms *r = &s->scope.rates;
	struct balance_line line = { .name = limit_kind_name(kind) };

	switch (kind) {
	case LIMIT_RPM:
		line.most = r->rpm;
		line.used = r->rpm - s->requests_left;
		break;
	case LIMIT_TPM:
		line.most = r->tpm;
		line.used = r->tpm - s->tokens_left;
		break;
	default:
		line.most = r->concurrent;
		line.used = s->scope.running;
		break;
	}
	line.used = min_i64(line.used, line.most);
	return line;
}

static struct balance_line
budget_line(const struct limits_standing *s, size_t at)
{
	enum budget_window w = (enum budget_window)(at / BUDGET_UNITS);
	enum budget_unit u = (enum budget_unit)(at % BUDGET_UNITS);
	const struct budget *b = &s->scope.budget;

	return (struct balance_line){ .name = budget_sum_name(w, u),
		.most = b->terms.most[w][u],
		.used = b->posted[w][u] + b->held[w][u],
		.held = b->held[w][u],
		.is_usd = u == BUDGET_MICROUSD };
}

bool
balance_line(const struct limits_standing *s, size_t place,
    struct balance_line *line)
{
	*line = place < LIMIT_BUDGET ? rate_line(s, (enum limit_kind)place)
				     : budget_line(s, place - LIMIT_BUDGET);
	return line->most > 0;
}

bool
balance_is_limited(const struct limits_standing *s)
{
	struct balance_line line;
	size_t i;

	for (i = 0; i < BALANCE_LINES; i++)
		if (balance_line(s, i, &line))
			return true;
	return false;
}

bool
balance_has_spent(const struct limits_standing *s)
{
	const int64_t *ever = s->scope.budget.posted[BUDGET_LIFETIME];
	int u;

	for (u = 0; u < BUDGET_UNITS; u++)
		if (ever[u] != 0)
			return true;
	return false;
}

void
balance_put_usd(struct json_writer *w, const char *name, int64_t microusd)
{
	char text[MONEY_CHARS];

	microusd = max_i64(microusd, 0);
	snprintf(text, sizeof(text), "%lld.%06lld",
	    (long long)(microusd / USD_DIGITS),
	    (long long)(microusd % USD_DIGITS));
	json_field_text(w, name, slice_of(text));
}

static void
put_amount(struct json_writer *w, const char *name, bool is_usd, int64_t amount)
{
	if (is_usd)
		balance_put_usd(w, name, amount);
	else
		json_field_int(w, name, max_i64(amount, 0));
}

/* 0, and what never comes: null. */
static void
put_end(struct json_writer *w, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	json_key(w, "resets_at");
	if (wall_us == 0 || wall_us == INT64_MAX) {
		json_put_null(w);
		return;
	}
	clock_write(wall_us, text);
	json_put_text(w, slice_of(text));
}

void
balance_put_rates(struct json_writer *w, const struct limits_standing *s,
    int64_t wall_us)
{
	const int64_t ends[LIMIT_BUDGET] = {
		[LIMIT_RPM] = wall_us + s->requests_full_us,
		[LIMIT_TPM] = wall_us + s->tokens_full_us,
	};
	struct balance_line line;
	size_t i;

	json_open(w, '{');
	for (i = 0; i < LIMIT_BUDGET; i++) {
		bool limited = balance_line(s, i, &line);

		json_key(w, line.name);
		if (!limited) {
			json_put_null(w);
			continue;
		}
		json_open(w, '{');
		json_field_int(w, "limit", line.most);
		json_field_int(w, "remaining", line.most - line.used);
		put_end(w, ends[i]);
		json_close(w, '}');
	}
	json_close(w, '}');
}

void
balance_put_budgets(struct json_writer *w, const struct limits_standing *s)
{
	struct balance_line line;
	size_t i;

	json_open(w, '[');
	for (i = LIMIT_BUDGET; i < BALANCE_LINES; i++) {
		if (!balance_line(s, i, &line))
			continue;
		json_open(w, '{');
		json_field_text(w, "name", slice_of(line.name));
		put_amount(w, "limit", line.is_usd, line.most);
		put_amount(w, "spent", line.is_usd, line.used - line.held);
		put_amount(w, "held", line.is_usd, line.held);
		put_amount(w, "remaining", line.is_usd, line.most - line.used);
		put_end(w, calendar_end_us(s->scope.budget.day,
			       (enum budget_window)(
				   (i - LIMIT_BUDGET) / BUDGET_UNITS)));
		json_close(w, '}');
	}
	json_close(w, ']');
}

void
balance_put_spent(struct json_writer *w, const struct limits_standing *s)
{
	static const char *const windows[BUDGET_WINDOWS] = {
		[BUDGET_DAY] = "day",
		[BUDGET_MONTH] = "month",
		[BUDGET_LIFETIME] = "lifetime",
	};
	size_t i;

	json_open(w, '{');
	for (i = 0; i < BUDGET_WINDOWS; i++) {
		const int64_t *posted = s->scope.budget.posted[i];

		json_key(w, windows[i]);
		json_open(w, '{');
		put_amount(w, "requests", false, posted[BUDGET_REQUESTS]);
		put_amount(w, "tokens", false, posted[BUDGET_TOKENS]);
		balance_put_usd(w, "usd", posted[BUDGET_MICROUSD]);
		json_close(w, '}');
	}
	json_close(w, '}');
}
