#include "node/remaining.h"

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/stat.h"
#include "common/limit/bar.h"
#include "common/member/limits.h"
#include "node/node.h"
#include "node/request.h"

#define BUDGET_TEXT_MAX 640
#define PPM_OF_PERCENT  10000
#define MS_PER_SECOND   1000
#define MINUTE_S        60
#define HOUR_S          3600

/* The names of one rate: what is allowed, what is left, when it is full. */
struct names {
	const char *limit, *left, *reset;
};

static const struct names openai_requests = {
	"x-ratelimit-limit-requests",
	"x-ratelimit-remaining-requests",
	"x-ratelimit-reset-requests",
};

static const struct names openai_tokens = {
	"x-ratelimit-limit-tokens",
	"x-ratelimit-remaining-tokens",
	"x-ratelimit-reset-tokens",
};

static const struct names anthropic_requests = {
	"anthropic-ratelimit-requests-limit",
	"anthropic-ratelimit-requests-remaining",
	"anthropic-ratelimit-requests-reset",
};

static const struct names anthropic_tokens = {
	"anthropic-ratelimit-tokens-limit",
	"anthropic-ratelimit-tokens-remaining",
	"anthropic-ratelimit-tokens-reset",
};

static void
put(struct remaining *m, const char *name, const char *value)
{
	m->fields[m->count++] = (struct http_field){ name, slice_of(value) };
}

static void
put_number(struct remaining *m, struct arena *arena, const char *name,
    int64_t number)
{
	put(m, name, arena_printf(arena, "%lld", (long long)number));
}

/* As Go writes it, rounded up: "20ms", "1.5s", "6m0s", "1h0m0s". */
static const char *
duration(struct arena *arena, int64_t us)
{
	long long ms = (max_i64(us, 0) + US_PER_MS - 1) / US_PER_MS;
	long long s = (ms + MS_PER_SECOND - 1) / MS_PER_SECOND;
	int digits = 3;
	long long rest = ms % MS_PER_SECOND;

	if (s >= HOUR_S)
		return arena_printf(arena, "%lldh%lldm%llds", s / HOUR_S,
		    s / MINUTE_S % MINUTE_S, s % MINUTE_S);
	if (s >= MINUTE_S)
		return arena_printf(arena, "%lldm%llds", s / MINUTE_S,
		    s % MINUTE_S);
	if (ms < MS_PER_SECOND && ms > 0)
		return arena_printf(arena, "%lldms", ms);
	if (rest == 0)
		return arena_printf(arena, "%llds", s);
	for (; rest % 10 == 0; rest /= 10)
		digits--;
	return arena_printf(arena, "%lld.%0*llds", ms / MS_PER_SECOND, digits,
	    rest);
}

/* RFC 3339 to the second, rounded up. */
static const char *
moment(struct arena *arena, int64_t wall_us)
{
	char text[CLOCK_TEXT_BYTES];

	clock_write(wall_us + US_PER_SECOND - 1, text);
	return arena_printf(arena, "%.19sZ", text);
}

static const char *
reset(struct arena *arena, enum dialect answers, int64_t full_us,
    int64_t wall_us)
{
	if (answers == DIALECT_MESSAGES)
		return moment(arena, wall_us + full_us);
	return duration(arena, full_us);
}

static void
put_budget(struct remaining *m, struct arena *arena,
    const struct limits_look *look)
{
	struct buf text;
	size_t i;

	buf_init(&text, BUDGET_TEXT_MAX);
	bar_name(&text, &look->fullest);
	buf_printf(&text, " %lld%% used",
	    (long long)(look->fullest_ppm / PPM_OF_PERCENT));
	/* Labels may have what a header's value may not. */
	for (i = 0; i < text.len; i++)
		if (text.data[i] < ' ' || text.data[i] > '~')
			text.data[i] = '?';
	put(m, "X-Router-Budget", arena_text(arena, buf_slice(&text)));
	buf_fini(&text);
}

void
remaining_write(struct remaining *m, struct arena *arena, enum dialect answers,
    const struct limits_look *look, int64_t wall_us)
{
	const bool messages = answers == DIALECT_MESSAGES;
	const struct {
		const struct chain_rate *rate;
		const struct names *names;
	} rates[] = {
		{ &look->rates.requests,
		    messages ? &anthropic_requests : &openai_requests },
		{ &look->rates.tokens,
		    messages ? &anthropic_tokens : &openai_tokens },
	};
	size_t i;

	m->count = 0;
	for (i = 0; i < count_of(rates); i++) {
		const struct chain_rate *rate = rates[i].rate;
		const struct names *names = rates[i].names;

		if (rate->per_minute == 0)
			continue;
		put_number(m, arena, names->limit, rate->per_minute);
		put_number(m, arena, names->left, max_i64(rate->left, 0));
		put(m, names->reset,
		    reset(arena, answers, rate->full_us, wall_us));
	}
	if (limits_is_warned(look))
		put_budget(m, arena, look);
}

void
remaining_note(struct request *r)
{
	struct remaining *m = &r->remaining;
	struct limits_look look;

	if (!r->admission.chain.is_limited)
		return;
	limits_look(r->desk->node->limits, &r->admission.chain, &look);
	remaining_write(m, &r->arena, r->answers, &look, clock_wall_us());
	if (limits_is_warned(&look) && !m->warned) {
		stat_add(STAT_BUDGET_WARNINGS, 1);
		m->warned = true;
	}
}

size_t
remaining_put(const struct remaining *m, struct http_field *fields,
    size_t count)
{
	size_t i;

	for (i = 0; i < m->count; i++)
		fields[count++] = m->fields[i];
	return count;
}
