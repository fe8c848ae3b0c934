/*
 * Many nodes' calls on a few accounts: what a signal closes, who probes, and a
 * property: whatever comes in whatever order, nobody calls while it is closed,
 * and one probes at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "egress/account.h"
#include "topology/provider.h"

#define SECOND    ((int64_t)US_PER_SECOND)
#define START     (1000 * SECOND)
#define PROVIDERS 3
#define MODELS    3
#define CALLS     40 /* under way at most */
#define STEPS     60000

static const struct provider providers[PROVIDERS] = {
	{ .name = { "a", 1 } },
	{ .name = { "b", 1 } },
	{ .name = { "c", 1 } },
};
#define MODEL(p, n)                                                            \
	{                                                                      \
		.name = { n, 3 }, .target = { p "/" n, 5 }                     \
	}
static const struct model models[PROVIDERS][MODELS] = {
	{ MODEL("a", "one"), MODEL("a", "two"), MODEL("a", "six") },
	{ MODEL("b", "one"), MODEL("b", "two"), MODEL("b", "six") },
	{ MODEL("c", "one"), MODEL("c", "two"), MODEL("c", "six") },
};

static struct account_target
target(size_t p, size_t m)
{
	/* No team has a key of its own here, so nothing is allocated. */
	return (struct account_target){ &models[p][m],
		account_name(NULL, &providers[p], slice_of("team")) };
}

static bool
is_open(struct accounts *a, size_t p, size_t m, int64_t now_us)
{
	const struct account_target of = target(p, m);
	struct capacity_entry e;

	if (!account_look(a, &of, now_us, &e))
		return false;
	assert_true(slice_eq(e.target, of.model->target));
	assert_int_not_equal(e.kind, BACKOFF_NONE);
	return true;
}

/* A call that may be made, and how it ends. */
static struct account_news
call(struct accounts *a, const struct account_target *of,
    const struct account_outcome *o, int64_t now_us)
{
	struct account_pass pass;
	struct capacity_entry why;
	struct account_news news;

	assert_true(account_enter(a, &pass, of, now_us, &why));
	news = account_leave(a, &pass, o, now_us);
	assert_null(pass.account);
	return news;
}

/* Model one of a fresh account fails so: is it closed, and its sibling? */
static void
closes(const struct account_outcome *o, bool itself, bool sibling)
{
	const struct account_target of = target(0, 0);
	struct accounts *a = accounts_new(1);

	(void)call(a, &of, o, START);
	assert_int_equal(is_open(a, 0, 0, START), itself);
	assert_int_equal(is_open(a, 0, 1, START), sibling);
	assert_false(is_open(a, 1, 0, START));
	accounts_free(a);
}

static void
a_signal_closes_what_it_is_about(void **state)
{
	struct account_outcome o = { .failure = FAILURE_RATE, .status = 429 };

	(void)state;
	closes(&o, true, false);
	o = (struct account_outcome){ .failure = FAILURE_NOT_FOUND };
	closes(&o, true, false);
	o = (struct account_outcome){ .failure = FAILURE_QUOTA, .status = 429 };
	closes(&o, true, true);
	o = (struct account_outcome){ .failure = FAILURE_AUTH, .status = 401 };
	closes(&o, true, true);
	/* No key of its own is in the vault. */
	o = (struct account_outcome){ .failure = FAILURE_AUTH };
	closes(&o, true, true);
	o = (struct account_outcome){ .failure = FAILURE_AUTH, .status = 403 };
	closes(&o, true, false);
	o = (struct account_outcome){ .failure = FAILURE_MALFORMED };
	closes(&o, false, false);
	o = (struct account_outcome){ .failure = FAILURE_MEMBER };
	closes(&o, false, false);
	o.given_up = true;
	o.failure = FAILURE_QUOTA;
	closes(&o, false, false);
	accounts_free(NULL);
}

static void
a_node_may_try_again_before_it_closes(void **state)
{
	const struct account_target of = target(0, 0);
	struct account_outcome busy = { .failure = FAILURE_OVERLOADED,
		.status = 503,
		.retry_after_us = 2 * SECOND };
	const struct account_outcome fault = { .failure = FAILURE_SERVER };
	struct accounts *a = accounts_new(1);
	int i;

	(void)state;
	assert_false(call(a, &of, &busy, START).moved);
	assert_true(call(a, &of, &busy, START).moved);
	assert_true(is_open(a, 0, 0, START));
	accounts_free(a);
	/* Who is to wait longer than that does not come back by itself. */
	a = accounts_new(1);
	busy.retry_after_us++;
	assert_true(call(a, &of, &busy, START).moved);
	accounts_free(a);
	a = accounts_new(1);
	for (i = 1; i < BACKOFF_STRIKES; i++)
		assert_false(call(a, &of, &fault, START).moved);
	assert_true(call(a, &of, &fault, START).moved);
	accounts_free(a);
}

static void
an_accounts_probe_is_whichever_model_comes_first(void **state)
{
	const struct account_outcome spent = { .failure = FAILURE_QUOTA,
		.status = 402 };
	const struct account_outcome slow = { .failure = FAILURE_RATE,
		.status = 429,
		.retry_after_us = 60 * SECOND };
	const struct account_outcome well = { .failure = FAILURE_NONE };
	const struct account_target one = target(0, 0), two = target(0, 1),
				    six = target(0, 2);
	struct accounts *a = accounts_new(1);
	struct account_pass probe, other;
	struct capacity_entry why;
	int64_t now_us = START;
	struct account_news news;

	(void)state;
	news = call(a, &one, &spent, now_us);
	assert_int_equal(news.account.turn, TARGET_BACKS_OFF);
	assert_int_equal(news.target.turn, TARGET_AS_BEFORE);
	assert_false(account_enter(a, &other, &two, now_us, &why));
	assert_int_equal(why.kind, BACKOFF_QUOTA);
	assert_true(why.wait_us > 200 * SECOND);
	now_us += why.wait_us;
	assert_true(account_enter(a, &probe, &two, now_us, &why));
	assert_true(probe.account_probe && !probe.target_probe);
	assert_false(account_enter(a, &other, &one, now_us, &why));
	assert_in_range(why.wait_us, 1, SECOND);
	/* A rate of its model says nothing of money: the next one probes. */
	news = account_leave(a, &probe, &slow, now_us);
	assert_int_equal(news.account.turn, TARGET_AS_BEFORE);
	assert_int_equal(news.target.turn, TARGET_BACKS_OFF);
	assert_false(account_enter(a, &other, &two, now_us, &why));
	assert_int_equal(why.kind, BACKOFF_RATE);
	assert_true(account_enter(a, &probe, &six, now_us, &why));
	assert_true(probe.account_probe);
	news = account_leave(a, &probe, &well, now_us);
	assert_int_equal(news.account.turn, TARGET_RECOVERED);
	assert_int_equal(news.account.kind, BACKOFF_QUOTA);
	assert_false(is_open(a, 0, 0, now_us));
	assert_true(is_open(a, 0, 1, now_us));
	accounts_free(a);
}

/* The first content tells; what comes behind it is any call's. */
static void
a_probe_is_over_when_its_answer_begins(void **state)
{
	const struct account_outcome slow = { .failure = FAILURE_RATE,
		.status = 429 };
	const struct account_outcome late = { .failure = FAILURE_TIMEOUT };
	const struct account_target of = target(0, 0);
	struct accounts *a = accounts_new(1);
	struct account_pass probe, other;
	struct capacity_epoch before;
	struct capacity_entry why;
	struct account_news news;
	int64_t now_us = START + 10 * SECOND;

	(void)state;
	(void)call(a, &of, &slow, START);
	assert_true(account_enter(a, &probe, &of, now_us, &why));
	assert_true(probe.target_probe);
	assert_false(account_enter(a, &other, &of, now_us, &why));
	before = accounts_epoch(a);
	news = account_prove(a, &probe, now_us);
	assert_int_equal(news.target.turn, TARGET_RECOVERED);
	assert_int_equal(news.target.kind, BACKOFF_RATE);
	assert_int_equal(accounts_epoch(a).number, before.number + 1);
	assert_false(account_prove(a, &probe, now_us).moved);
	assert_true(account_enter(a, &other, &of, now_us, &why));
	assert_false(other.target_probe);
	/* One strike, not a probe that failed. */
	assert_false(account_leave(a, &probe, &late, now_us).moved);
	assert_false(is_open(a, 0, 0, now_us));
	assert_null(probe.account);
	assert_false(account_prove(a, &probe, now_us).moved);
	accounts_free(a);
}

/* Beyond the maximum a target and its account are one state. */
static void
what_is_beyond_the_maximum_probes_once(void **state)
{
	const struct account_outcome slow = { .failure = FAILURE_RATE,
		.status = 429 };
	const struct account_outcome well = { .failure = FAILURE_NONE };
	const struct account_target other = target(1, 0);
	struct accounts *a = accounts_new(1);
	struct model many = models[0][0];
	struct account_target of = { &many, target(0, 0).account };
	struct account_pass pass;
	struct capacity_entry why;
	struct account_news news;
	char name[16];
	int i;

	(void)state;
	for (i = 0; i < TARGET_STATES_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		many.name = slice_of(name);
		(void)call(a, &of, &well, START);
	}
	(void)call(a, &other, &slow, START);
	assert_false(account_enter(a, &pass, &other, START, &why));
	assert_true(account_enter(a, &pass, &other, START + 10 * SECOND, &why));
	assert_ptr_equal(pass.account, pass.target);
	assert_true(pass.account_probe);
	news = account_leave(a, &pass, &well, START + 10 * SECOND);
	assert_int_equal(news.account.turn, TARGET_RECOVERED);
	assert_int_equal(news.target.turn, TARGET_AS_BEFORE);
	(void)call(a, &other, &well, START + 10 * SECOND);
	accounts_free(a);
}

static void
count_recovered(void *arg, struct slice name,
    const struct target_change *change)
{
	assert_true(slice_is(name, "a"));
	assert_int_equal(change->turn, TARGET_RECOVERED);
	++*(int *)arg;
}

static void
who_acted_and_reloads_is_tried_again(void **state)
{
	const struct account_outcome keyless = { .failure = FAILURE_AUTH };
	const struct account_outcome spent = { .failure = FAILURE_QUOTA };
	const struct account_target one = target(0, 0), other = target(1, 0);
	struct accounts *a = accounts_new(7);
	struct capacity_epoch before;
	int recovered = 0;

	(void)state;
	(void)call(a, &one, &keyless, START);
	(void)call(a, &other, &spent, START);
	before = accounts_epoch(a);
	assert_int_equal(before.boot, 7);
	accounts_adopt(a, count_recovered, &recovered);
	assert_true(accounts_epoch(a).number > before.number);
	assert_int_equal(recovered, 1);
	assert_false(is_open(a, 0, 0, START));
	assert_true(is_open(a, 1, 0, START));
	accounts_free(a);
}

/* --- The property */

struct crowd {
	struct accounts *accounts;
	struct {
		bool live;
		size_t p, m;
		int64_t begun_us;
		struct account_pass pass;
	} calls[CALLS];
	uint64_t random;
	int64_t now_us;
	int probes, refused, recovered;
};

static size_t
pick(struct crowd *c, size_t n)
{
	c->random = c->random * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(c->random >> 33) % n;
}

static void
one_probe_each(const struct crowd *c)
{
	size_t i, k;

	for (i = 0; i < CALLS; i++)
		for (k = i + 1; k < CALLS; k++) {
			if (!c->calls[i].live || !c->calls[k].live ||
			    c->calls[i].p != c->calls[k].p)
				continue;
			assert_false(c->calls[i].pass.account_probe &&
				     c->calls[k].pass.account_probe);
			assert_false(c->calls[i].m == c->calls[k].m &&
				     c->calls[i].pass.target_probe &&
				     c->calls[k].pass.target_probe);
		}
}

static void
begin(struct crowd *c, size_t slot)
{
	size_t p = pick(c, PROVIDERS), m = pick(c, MODELS);
	const struct account_target of = target(p, m);
	struct capacity_entry seen, why;
	struct account_pass pass;
	bool open = account_look(c->accounts, &of, c->now_us, &seen);

	if (!account_enter(c->accounts, &pass, &of, c->now_us, &why)) {
		assert_true(open);
		assert_true(why.wait_us >= 1);
		assert_int_not_equal(why.kind, BACKOFF_NONE);
		assert_null(pass.account);
		c->refused++;
		return;
	}
	/* Nobody calls while it is closed, but for its probe. */
	if (open) {
		assert_int_equal(seen.wait_us, 0);
		assert_true(seen.half_open);
		assert_true(pass.account_probe || pass.target_probe);
		c->probes++;
	}
	c->calls[slot].live = true;
	c->calls[slot].p = p;
	c->calls[slot].m = m;
	c->calls[slot].begun_us = c->now_us;
	c->calls[slot].pass = pass;
	one_probe_each(c);
}

static void
end(struct crowd *c, size_t slot)
{
	size_t p = c->calls[slot].p, m = c->calls[slot].m;
	const struct account_outcome o = {
		.failure =
		    pick(c, 2) ? FAILURE_NONE : (enum failure)pick(c, FAILURES),
		.status = pick(c, 2) ? 401 : 403,
		.given_up = pick(c, 8) == 0,
		.retry_after_us = (int64_t)pick(c, 3) * SECOND,
		.random = (uint32_t)pick(c, 1u << 31),
	};
	struct capacity_epoch before = accounts_epoch(c->accounts), after;
	struct account_news news =
	    account_leave(c->accounts, &c->calls[slot].pass, &o, c->now_us);

	c->calls[slot].live = false;
	after = accounts_epoch(c->accounts);
	assert_int_equal(after.number, before.number + news.moved);
	c->recovered += news.account.turn == TARGET_RECOVERED ||
			news.target.turn == TARGET_RECOVERED;
	if (o.given_up)
		assert_false(news.moved);
	else if (o.failure == FAILURE_QUOTA)
		assert_true(
		    is_open(c->accounts, p, pick(c, MODELS), c->now_us));
	else if (o.failure == FAILURE_RATE)
		assert_true(is_open(c->accounts, p, m, c->now_us));
	/* It has told: a second time is nothing. */
	news = account_leave(c->accounts, &c->calls[slot].pass, &o, c->now_us);
	assert_false(news.moved);
}

/* Or a probe would be given up for never ending. */
static void
end_old(struct crowd *c)
{
	size_t i;

	for (i = 0; i < CALLS; i++)
		if (c->calls[i].live &&
		    c->now_us - c->calls[i].begun_us > BACKOFF_PROBE_MAX_US / 2)
			end(c, i);
}

static void
nobody_calls_while_it_is_closed_and_one_probes(void **state)
{
	static const int64_t waits_us[] = { 0, SECOND / 10, SECOND,
		30 * SECOND };
	struct crowd c = { .random = 20251126, .now_us = START };
	size_t slot;
	int step;

	(void)state;
	c.accounts = accounts_new(1);
	for (step = 0; step < STEPS; step++) {
		c.now_us += waits_us[pick(&c, count_of(waits_us))];
		slot = pick(&c, CALLS);
		if (c.calls[slot].live)
			end(&c, slot);
		else
			begin(&c, slot);
		end_old(&c);
	}
	assert_true(c.probes > 500 && c.refused > 5000 && c.recovered > 200);
	accounts_free(c.accounts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_closes_what_it_is_about),
		cmocka_unit_test(a_node_may_try_again_before_it_closes),
		cmocka_unit_test(
		    an_accounts_probe_is_whichever_model_comes_first),
		cmocka_unit_test(a_probe_is_over_when_its_answer_begins),
		cmocka_unit_test(what_is_beyond_the_maximum_probes_once),
		cmocka_unit_test(who_acted_and_reloads_is_tried_again),
		cmocka_unit_test(
		    nobody_calls_while_it_is_closed_and_one_probes),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
