#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/limit/chain.h"

#define SECOND ((int64_t)1000000)
#define START  (12345 * SECOND)
#define DAY    20603 /* 2026-05-30 */

/* Of a node and of a caller of it. */
struct pair {
	struct scope node, caller;
	struct chain chain;
};

static void
pair_init(struct pair *p, const struct limit_terms *node,
    const struct limit_terms *caller)
{
	memset(p, 0, sizeof(*p));
	p->node.level = SCOPE_NODE;
	p->caller.level = SCOPE_CALLER;
	scope_set(&p->node, node, START);
	scope_set(&p->caller, caller, START);
	p->chain =
	    (struct chain){ .scopes = { &p->node, &p->caller }, .count = 2 };
}

static struct chain_wish
wish(int64_t tokens, int64_t microusd)
{
	return (struct chain_wish){ .now_us = START,
		.day = DAY,
		.rate_tokens = tokens,
		.budget.of = { 1, tokens, microusd } };
}

static struct limit_terms
rates(int64_t rpm, int64_t tpm, int64_t concurrent)
{
	return (struct limit_terms){ .rates = { rpm, tpm, concurrent } };
}

static struct limit_terms
budget(enum budget_window w, enum budget_unit u, int64_t most)
{
	struct limit_terms terms = { .rates = { 0 } };

	terms.budget.most[w][u] = most;
	return terms;
}

static void
is_let_in(struct pair *p, struct hold *h, const struct chain_wish *w)
{
	struct chain_bar bar;

	assert_true(chain_reserve(h, &p->chain, w, &bar));
}

/* And nothing has changed. */
static struct chain_bar
is_refused(struct pair *p, const struct chain_wish *w)
{
	struct pair before = *p;
	struct hold h = { .chain = { .count = 0 } };
	struct chain_bar bar;

	assert_false(chain_reserve(&h, &p->chain, w, &bar));
	assert_memory_equal(p, &before, sizeof(before));
	assert_int_equal(h.chain.count, 0);
	return bar;
}

static void
all_let_it_in_or_none_takes_anything(void **state)
{
	const struct limit_terms node = rates(100, 0, 0), one = rates(1, 0, 0);
	const struct chain_wish w = wish(10, 5);
	struct hold h = { .day = 0 };
	struct chain_bar bar;
	struct pair p;

	(void)state;
	pair_init(&p, &node, &one);
	is_let_in(&p, &h, &w);
	bar = is_refused(&p, &w);
	assert_ptr_equal(bar.scope, &p.caller);
	assert_int_equal(bar.kind, LIMIT_RPM);
	assert_int_equal(bar.wait_us, 60 * SECOND);
	assert_int_equal(bar.most, 1);
	assert_int_equal(bucket_left(&p.node.requests, START), 99);
	/* Whichever of them it is. */
	pair_init(&p, &one, &node);
	h.chain.count = 0;
	is_let_in(&p, &h, &w);
	bar = is_refused(&p, &w);
	assert_ptr_equal(bar.scope, &p.node);
	assert_int_equal(bucket_left(&p.caller.requests, START), 99);
}

static void
the_bar_is_what_lasts_longest(void **state)
{
	const struct limit_terms node = rates(2, 60, 1);
	const struct limit_terms caller = rates(0, 600, 1);
	struct chain_wish w = wish(60, 0);
	struct hold h = { .day = 0 };
	struct chain_bar bar;
	struct pair p;

	(void)state;
	pair_init(&p, &node, &caller);
	is_let_in(&p, &h, &w);
	/* 30 tokens in 30 s, a slot who knows when. */
	w = wish(30, 0);
	bar = is_refused(&p, &w);
	assert_ptr_equal(bar.scope, &p.node);
	assert_int_equal(bar.kind, LIMIT_TPM);
	assert_int_equal(bar.most, 60);
	assert_int_equal(bar.wait_us, 30 * SECOND);
	w.now_us += 60 * SECOND;
	bar = is_refused(&p, &w);
	assert_int_equal(bar.kind, LIMIT_CONCURRENT);
	assert_int_equal(bar.wait_us, 0);
	assert_int_equal(bar.most, 1);
	assert_int_equal(bar.running, 1);
	assert_string_equal(limit_kind_name(bar.kind), "concurrent");
	chain_settle(&h, &(struct chain_spent){ .rate_tokens = 60 }, w.now_us);
	is_let_in(&p, &h, &w);
}

static void
budgets_come_before_rates_and_the_longest_of_all_scopes_first(void **state)
{
	struct limit_terms node = budget(BUDGET_DAY, BUDGET_MICROUSD, 5);
	struct limit_terms caller = budget(BUDGET_LIFETIME, BUDGET_MICROUSD, 7);
	struct chain_wish w = wish(10, 5);
	struct hold h = { .day = 0 };
	struct chain_bar bar;
	struct pair p;

	(void)state;
	node.rates.rpm = 1;
	pair_init(&p, &node, &caller);
	is_let_in(&p, &h, &w);
	bar = is_refused(&p, &w);
	assert_int_equal(bar.kind, LIMIT_BUDGET);
	assert_ptr_equal(bar.scope, &p.caller);
	assert_int_equal(bar.budget.window, BUDGET_LIFETIME);
	assert_int_equal(bar.budget.held, 5);
	assert_int_equal(bar.wait_us, 0);
	w = wish(10, 2);
	bar = is_refused(&p, &w);
	assert_ptr_equal(bar.scope, &p.node);
	assert_int_equal(bar.budget.window, BUDGET_DAY);
	w = wish(10, 0);
	bar = is_refused(&p, &w);
	assert_int_equal(bar.kind, LIMIT_RPM);
	/* In whichever order they are asked. */
	pair_init(&p, &caller, &node);
	budget_roll(&p.node.budget, DAY);
	budget_roll(&p.caller.budget, DAY);
	w = wish(10, 8);
	bar = is_refused(&p, &w);
	assert_ptr_equal(bar.scope, &p.node);
	assert_int_equal(bar.budget.window, BUDGET_LIFETIME);
}

/* But for when a full bucket was last looked at. */
static void
is_as_before(const struct scope *s, struct scope *before, int64_t now_us)
{
	assert_int_equal(bucket_left(&s->requests, now_us),
	    bucket_left(&before->requests, now_us));
	assert_int_equal(bucket_full_us(&s->requests, now_us),
	    bucket_full_us(&before->requests, now_us));
	assert_int_equal(bucket_left(&s->tokens, now_us),
	    bucket_left(&before->tokens, now_us));
	assert_int_equal(bucket_full_us(&s->tokens, now_us),
	    bucket_full_us(&before->tokens, now_us));
	before->requests = s->requests;
	before->tokens = s->tokens;
	assert_memory_equal(s, before, sizeof(*s));
}

static void
what_is_released_had_not_come(void **state)
{
	struct limit_terms terms = rates(7, 1001, 3);
	struct hold first = { .day = 0 }, h = { .day = 0 };
	struct chain_wish w = wish(333, 5);
	struct pair p, before;

	(void)state;
	pair_init(&p, &terms, &terms);
	budget_roll(&p.node.budget, DAY);
	budget_roll(&p.caller.budget, DAY);
	before = p;
	is_let_in(&p, &h, &w);
	chain_release(&h);
	is_as_before(&p.node, &before.node, START);
	is_as_before(&p.caller, &before.caller, START);
	is_let_in(&p, &first, &w);
	/* Now each bit: nothing has drained in between. */
	before = p;
	is_let_in(&p, &h, &w);
	chain_release(&h);
	assert_memory_equal(&p, &before, sizeof(p));
	assert_int_equal(h.chain.count, 0);
	chain_release(&h);
	chain_settle(&h, &(struct chain_spent){ .rate_tokens = 9 }, START);
	assert_memory_equal(&p, &before, sizeof(p));
}

static void
settled_it_gives_back_what_it_did_not_use_and_owes_what_it_did(void **state)
{
	struct limit_terms terms = rates(60, 600, 1);
	struct hold h = { .day = 0 };
	struct chain_wish w = wish(500, 90);
	struct chain_spent spent = { 100, { .of = { 1, 100, 30 } } };
	struct pair p;

	(void)state;
	terms.budget.most[BUDGET_DAY][BUDGET_MICROUSD] = 100;
	pair_init(&p, &terms, &terms);
	is_let_in(&p, &h, &w);
	chain_settle(&h, &spent, START);
	assert_int_equal(bucket_left(&p.caller.tokens, START), 500);
	assert_int_equal(bucket_left(&p.caller.requests, START), 59);
	assert_int_equal(p.caller.running, 0);
	assert_int_equal(p.caller.budget.posted[BUDGET_DAY][BUDGET_MICROUSD],
	    30);
	w = wish(100, 70);
	is_let_in(&p, &h, &w);
	spent = (struct chain_spent){ 1000, { .of = { 1, 1000, 80 } } };
	chain_settle(&h, &spent, START);
	assert_int_equal(bucket_left(&p.caller.tokens, START), -500);
	w = wish(0, 1);
	assert_int_equal(is_refused(&p, &w).kind, LIMIT_BUDGET);
	w = wish(1, 0);
	assert_int_equal(is_refused(&p, &w).wait_us, 501 * SECOND / 10);
}

/* The same tokens are not charged twice when they have drained meanwhile. */
static void
a_long_request_settled_as_estimated_leaves_the_rate_full(void **state)
{
	const struct limit_terms terms = rates(0, 600, 0);
	const struct chain_wish w = wish(600, 0);
	struct hold h = { .day = 0 };
	struct pair p;

	(void)state;
	pair_init(&p, &terms, &terms);
	is_let_in(&p, &h, &w);
	chain_settle(&h, &(struct chain_spent){ .rate_tokens = 600 },
	    START + 60 * SECOND);
	assert_int_equal(bucket_left(&p.node.tokens, START + 60 * SECOND), 600);
}

static void
one_more_attempt_holds_more_or_nothing(void **state)
{
	const struct limit_terms node =
	    budget(BUDGET_MONTH, BUDGET_TOKENS, 100);
	const struct limit_terms caller =
	    budget(BUDGET_MONTH, BUDGET_TOKENS, 60);
	const struct budget_amounts more = { .of = { 0, 25, 0 } };
	const struct chain_wish w = wish(30, 5);
	struct hold h = { .day = 0 }, held;
	struct chain_bar bar;
	struct pair p, before;

	(void)state;
	pair_init(&p, &node, &caller);
	is_let_in(&p, &h, &w);
	assert_true(chain_extend(&h, &more, &bar));
	assert_int_equal(h.budget.of[BUDGET_TOKENS], 55);
	assert_int_equal(p.node.budget.held[BUDGET_MONTH][BUDGET_TOKENS], 55);
	before = p;
	held = h;
	assert_false(chain_extend(&h, &more, &bar));
	assert_ptr_equal(bar.scope, &p.caller);
	assert_memory_equal(&p, &before, sizeof(p));
	assert_memory_equal(&h, &held, sizeof(h));
	chain_release(&h);
	assert_int_equal(p.node.budget.held[BUDGET_MONTH][BUDGET_TOKENS], 0);
}

/* Its thread had read the clock before midnight. */
static void
a_day_that_another_has_begun_counts_for_all(void **state)
{
	const struct limit_terms terms = budget(BUDGET_DAY, BUDGET_REQUESTS, 1);
	struct hold h = { .day = 0 }, late = { .day = 0 };
	struct chain_wish w = wish(1, 0);
	struct pair p;

	(void)state;
	pair_init(&p, &terms, &terms);
	is_let_in(&p, &h, &w);
	budget_roll(&p.node.budget, DAY + 1);
	is_let_in(&p, &late, &w);
	assert_int_equal(late.day, DAY + 1);
	assert_int_equal(p.caller.budget.held[BUDGET_DAY][BUDGET_REQUESTS], 1);
	is_refused(&p, &w);
	w.day = DAY + 1;
	is_refused(&p, &w);
	chain_release(&h);
	is_refused(&p, &w);
}

static void
a_restart_gives_no_rate_again(void **state)
{
	const struct limit_terms terms = rates(60, 0, 0);
	struct chain_rates seen;
	struct pair p;

	(void)state;
	pair_init(&p, &terms, &terms);
	scope_empty(&p.caller, START - 10 * SECOND);
	chain_look(&p.chain, &seen, START);
	assert_int_equal(seen.requests.per_minute, 60);
	assert_int_equal(seen.requests.left, 10);
	assert_int_equal(seen.requests.full_us, 50 * SECOND);
	assert_int_equal(seen.tokens.per_minute, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_let_it_in_or_none_takes_anything),
		cmocka_unit_test(the_bar_is_what_lasts_longest),
		cmocka_unit_test(
		    budgets_come_before_rates_and_the_longest_of_all_scopes_first),
		cmocka_unit_test(what_is_released_had_not_come),
		cmocka_unit_test(
		    settled_it_gives_back_what_it_did_not_use_and_owes_what_it_did),
		cmocka_unit_test(
		    a_long_request_settled_as_estimated_leaves_the_rate_full),
		cmocka_unit_test(one_more_attempt_holds_more_or_nothing),
		cmocka_unit_test(a_day_that_another_has_begun_counts_for_all),
		cmocka_unit_test(a_restart_gives_no_rate_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
