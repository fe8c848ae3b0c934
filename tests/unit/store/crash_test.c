/*
 * Random lives of a ledger: requests begin, go on to further attempts, settle
 * or are refused; receipts come before, with or after their settlement, and
 * again; the process dies at any moment.  In the end every attempt that was
 * written as an intent has exactly one row, with the receipt's figures where
 * a receipt came, else what was settled, else the estimate; and a request's
 * sums are those of its attempts.
 */
#include "common/store/recovery.h"
#include "tests/unit/store/fixture.h"

#define REQUESTS 40
#define ATTEMPTS 3
#define STEPS    150
#define LIVES    12
#define ESTIMATE 1000 /* tokens of the sample's body */

struct call {
	bool intended; /* its intent was written */
	bool settled;  /* its settlement was written */
	bool receipt;  /* its receipt was written */
	int64_t tokens, receipt_tokens;
	int64_t seq; /* of its receipt in the chain */
};

struct life {
	struct id id;
	bool begun, open; /* open: this process works on it */
	int64_t attempts; /* begun */
	bool busy;        /* the last of them is not settled */
	bool refused;     /* a final row without an attempt was written */
	struct call calls[ATTEMPTS + 1];
};

struct world {
	struct fixture f;
	struct life lives[REQUESTS];
	struct life pending[REQUESTS]; /* as it is once the turn is written */
	struct secret *key;
	char chain[CHAIN_ID_CHARS];
	int64_t seq;
	unsigned random;
};

static unsigned
draw(struct world *w, unsigned below)
{
	w->random = w->random * 1103515245u + 12345u;
	return (w->random >> 16) % below;
}

static int64_t
sum_of(const struct life *r)
{
	int64_t sum = 0, i;

	for (i = 1; i <= r->attempts; i++)
		sum += r->calls[i].tokens;
	return sum;
}

static struct request_row
request_of(const struct life *r, const char *state, int64_t tokens)
{
	struct request_row row = request_sample(r->id, state);

	row.attempts = r->attempts;
	row.input_tokens = tokens;
	return row;
}

static void
begin(struct world *w, struct life *r)
{
	struct request_row request;
	struct attempt_row attempt;

	if (!r->begun) {
		r->id = id_next(&w->f.ids, 1000);
		r->begun = r->open = true;
	}
	if (!r->open || r->busy || r->attempts == ATTEMPTS)
		return;
	request = request_of(r, "open", sum_of(r));
	r->attempts++;
	request.attempts = r->attempts;
	attempt = attempt_sample(r->id, r->attempts, "open");
	ledger_intend(w->f.turn, &request, &attempt);
	r->busy = r->calls[r->attempts].intended = true;
}

/* As a node does: the row names the receipt when that came first. */
static void
settle(struct world *w, struct life *r, bool goes_on)
{
	struct call *c = &r->calls[r->attempts];
	struct request_row request;
	struct attempt_row attempt;

	if (!r->open || !r->busy)
		return;
	/* The intent has to be there before the call is made. */
	if (!w->lives[r - w->pending].calls[r->attempts].intended)
		return;
	attempt = attempt_sample(r->id, r->attempts, "settled");
	c->tokens = c->receipt ? c->receipt_tokens : 1 + draw(w, 500);
	attempt.input_tokens = c->tokens;
	attempt.fail = slice_of("egress-unreachable");
	attempt.usage_source = slice_of("estimated");
	if (c->receipt) {
		attempt.chain = slice_of(w->chain);
		attempt.chain_seq = c->seq;
	}
	r->busy = false;
	c->settled = true;
	r->open = goes_on && r->attempts < ATTEMPTS;
	request = request_of(r, r->open ? "open" : "settled", sum_of(r));
	ledger_settle(w->f.turn, &request, &attempt);
}

static void
refuse(struct world *w, struct life *r)
{
	struct request_row request;

	if (!r->open || r->busy)
		return;
	request = request_of(r, "settled", sum_of(r));
	ledger_refused(w->f.turn, &request);
	r->open = false;
	r->refused = true;
}

/* Of any attempt that was made, once or more. */
static void
receive(struct world *w, struct life *r)
{
	struct receipt_row row;
	struct call *c;
	int64_t number;

	if (r->attempts == 0)
		return;
	number = 1 + draw(w, (unsigned)r->attempts);
	c = &r->calls[number];
	if (!w->lives[r - w->pending].calls[number].intended)
		return;
	/* An open request counts its own attempts: see ledger.h. */
	if (r->open && c->settled)
		return;
	if (c->seq == 0) {
		c->seq = ++w->seq;
		c->receipt_tokens = 1000 + draw(w, 500);
	}
	row = receipt_sample(r->id, number, c->seq, w->chain);
	row.input_tokens = c->receipt_tokens;
	row.output_tokens = 0;
	fixture_keep(&w->f, &row, w->key);
	c->receipt = true;
	if (c->settled)
		c->tokens = c->receipt_tokens;
}

static void
step(struct world *w)
{
	struct life *r = &w->pending[draw(w, REQUESTS)];

	switch (draw(w, 8)) {
	case 0:
	case 1:
	case 2:
		begin(w, r);
		break;
	case 3:
		settle(w, r, false);
		break;
	case 4:
		settle(w, r, true);
		break;
	case 5:
		if (draw(w, 4) == 0)
			refuse(w, r);
		break;
	case 6:
		receive(w, r);
		break;
	default:
		fixture_turn(&w->f);
		memcpy(w->lives, w->pending, sizeof(w->lives));
	}
}

static void
check_life(struct world *w, struct life *r)
{
	struct buf bytes;
	struct request_row request;
	struct attempt_row attempt;
	int64_t sum = 0, i;
	bool there;

	buf_init(&bytes, ROW_BYTES_MAX);
	for (i = 1; i <= ATTEMPTS; i++) {
		struct call *c = &r->calls[i];
		int64_t tokens = c->receipt   ? c->receipt_tokens
				 : c->settled ? c->tokens
					      : ESTIMATE;

		there = r->begun &&
			fixture_attempt(&w->f, &r->id, i, &bytes, &attempt);
		assert_int_equal(there, c->intended);
		if (!there)
			continue;
		assert_false(slice_is(attempt.state, "open"));
		assert_int_equal(attempt.input_tokens, tokens);
		assert_int_equal(attempt.chain_seq, c->receipt ? c->seq : 0);
		c->tokens = tokens;
		sum += tokens;
	}
	there =
	    r->begun && ledger_request(w->f.ledger, &r->id, &bytes, &request);
	assert_int_equal(there, r->calls[1].intended || r->refused);
	if (there) {
		assert_false(slice_is(request.state, "open"));
		assert_int_equal(request.input_tokens, sum);
	}
	buf_fini(&bytes);
}

/* After it nobody works on what the process before was doing. */
static void
crash(struct world *w)
{
	size_t i;

	fixture_crash(&w->f);
	memcpy(w->pending, w->lives, sizeof(w->lives));
	assert_true(ledger_recover(w->f.ledger, NULL, NULL) >= 0);
	assert_int_equal(fixture_count(&w->f, FAMILY_INTENT), 0);
	for (i = 0; i < REQUESTS; i++) {
		struct life *r = &w->pending[i];
		int64_t intended = 0;

		while (intended < ATTEMPTS && r->calls[intended + 1].intended)
			intended++;
		r->attempts = intended;
		/* What was never written may be tried by another request. */
		if (intended == 0 && !r->refused)
			memset(r, 0, sizeof(*r));
		r->open = r->busy = false;
		check_life(w, r);
		/* Recovery closed it: from now on it is settled. */
		for (; intended > 0; intended--)
			r->calls[intended].settled = true;
	}
	memcpy(w->lives, w->pending, sizeof(w->lives));
}

/* All receipts again, in any order: nothing may change. */
static void
repeat_receipts(struct world *w)
{
	int i;

	for (i = 0; i < 4 * REQUESTS; i++) {
		struct life *r = &w->pending[draw(w, REQUESTS)];

		receive(w, r);
		if (draw(w, 3) == 0)
			fixture_turn(&w->f);
	}
	fixture_turn(&w->f);
	memcpy(w->lives, w->pending, sizeof(w->lives));
	for (i = 0; i < REQUESTS; i++)
		check_life(w, &w->pending[i]);
}

static void
test_every_attempt_has_one_row(void **state)
{
	struct world *w;
	unsigned seed;
	int i, steps;

	(void)state;
	for (seed = 1; seed <= LIVES; seed++) {
		w = calloc(1, sizeof(*w));
		w->random = seed;
		w->key = sign_key_new();
		chain_sample(w->chain);
		fixture_new(&w->f);
		for (i = 0; i < 4; i++) {
			steps = STEPS / 2 + (int)draw(w, STEPS);
			while (steps-- > 0)
				step(w);
			crash(w);
		}
		repeat_receipts(w);
		crash(w);
		fixture_free(&w->f);
		secret_free(w->key);
		free(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_attempt_has_one_row),
	};

	assert_true(crypto_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
