#include "common/limit/backoff.h"

#define SECOND ((int64_t)1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

#define PROBE_GUESS_US SECOND

static const struct {
	const char *name;
	int64_t least_us, most_us;
	bool honours_retry_after;
	int strikes; /* failures in a row that open it */
} kinds[BACKOFF_KINDS] = {
	[BACKOFF_NONE] = { "", 0, 0, false, 0 },
	[BACKOFF_SHORT] = { "short", 1 * SECOND, 30 * SECOND, true, 1 },
	[BACKOFF_RATE] = { "rate", 1 * SECOND, 5 * MINUTE, true, 1 },
	[BACKOFF_QUOTA] = { "quota", 5 * MINUTE, 6 * HOUR, false, 1 },
	[BACKOFF_LONG] = { "long", 1 * MINUTE, 1 * HOUR, false, 1 },
	[BACKOFF_BREAKER] = { "breaker", 2 * SECOND, 2 * MINUTE, false,
	    BACKOFF_STRIKES },
};

const char *
backoff_kind_name(enum backoff_kind k)
{
	return kinds[k].name;
}

enum backoff_kind
backoff_kind_by_name(struct slice name)
{
	size_t i;

	for (i = BACKOFF_NONE + 1; i < BACKOFF_KINDS; i++)
		if (slice_is(name, kinds[i].name))
			return (enum backoff_kind)i;
	return BACKOFF_NONE;
}

enum backoff_state
backoff_state(const struct backoff *b, int64_t now_us)
{
	if (b->until_us == 0)
		return BACKOFF_CLOSED;
	return now_us < b->until_us ? BACKOFF_OPEN : BACKOFF_HALF_OPEN;
}

static int64_t
probe_wait_us(const struct backoff *b, int64_t now_us)
{
	int64_t left_us = b->probe_us + BACKOFF_PROBE_MAX_US - now_us;

	if (b->probe_us == 0 || left_us <= 0)
		return 0;
	return min_i64(left_us, PROBE_GUESS_US);
}

int64_t
backoff_wait_us(const struct backoff *b, int64_t now_us)
{
	if (b->until_us == 0)
		return 0;
	return max_i64(b->until_us - now_us, probe_wait_us(b, now_us));
}

bool
backoff_enter(struct backoff *b, int64_t now_us, bool *probe)
{
	*probe = false;
	if (backoff_wait_us(b, now_us) > 0)
		return false;
	if (b->until_us != 0) {
		*probe = true;
		b->probe_us = now_us;
	}
	return true;
}

void
backoff_success(struct backoff *b, bool probe)
{
	if (b->until_us == 0 || probe)
		*b = (struct backoff){ 0 };
}

void
backoff_abandon(struct backoff *b, bool probe)
{
	if (probe)
		b->probe_us = 0;
}

static int64_t
level_wait_us(enum backoff_kind kind, int level)
{
	int64_t us = kinds[kind].least_us;

	while (--level > 0 && us < kinds[kind].most_us)
		us *= 2;
	return min_i64(us, kinds[kind].most_us);
}

/* A share of `us` by chance, of 0 to 1: `random` has 32 bits. */
static int64_t
share_of(int64_t us, uint32_t random)
{
	return us * (random >> 16) / 65535;
}

/* How long from now; at level 0 only what the provider asked for. */
static int64_t
wait_us(const struct backoff_cause *cause, int level)
{
	int64_t own_us = level > 0 ? level_wait_us(cause->kind, level) : 0;
	int64_t asked_us =
	    min_i64(cause->retry_after_us, BACKOFF_RETRY_AFTER_MAX_US);

	own_us += share_of(own_us / 5, cause->random) - own_us / 10;
	if (!kinds[cause->kind].honours_retry_after || asked_us <= 0)
		return own_us;
	asked_us += share_of(asked_us / 10, cause->random);
	return max_i64(own_us, asked_us);
}

static void
open_until(struct backoff *b, enum backoff_kind kind, int level,
    int64_t until_us)
{
	b->kind = kind;
	b->level = level;
	b->strikes = 0;
	b->until_us = until_us;
}

static void
open_at(struct backoff *b, int level, const struct backoff_cause *cause,
    int64_t now_us)
{
	open_until(b, cause->kind, level, now_us + wait_us(cause, level));
}

/* No level beyond the one that reaches the longest wait. */
static int
next_level(const struct backoff *b, enum backoff_kind kind)
{
	if (b->kind != kind)
		return 1;
	if (level_wait_us(kind, b->level) == kinds[kind].most_us)
		return b->level;
	return b->level + 1;
}

/* What the calls bring that were under way when it opened. */
static void
prolong(struct backoff *b, const struct backoff_cause *cause, int64_t now_us)
{
	bool same = b->kind == cause->kind;
	int64_t until_us = now_us + wait_us(cause, same ? 0 : 1);

	if (kinds[cause->kind].strikes > 1 || until_us <= b->until_us)
		return;
	open_until(b, cause->kind, same ? b->level : 1, until_us);
}

static int
strikes_of(const struct backoff_cause *cause)
{
	return cause->strikes > 0 ? cause->strikes : kinds[cause->kind].strikes;
}

void
backoff_failure(struct backoff *b, int64_t now_us,
    const struct backoff_cause *cause)
{
	backoff_abandon(b, cause->probe);
	if (cause->kind == BACKOFF_NONE)
		return;
	if (b->until_us == 0) {
		if (++b->strikes >= strikes_of(cause))
			open_at(b, 1, cause, now_us);
	} else if (cause->probe) {
		open_at(b, next_level(b, cause->kind), cause, now_us);
	} else {
		prolong(b, cause, now_us);
	}
}
