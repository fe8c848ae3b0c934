#include "common/export/cause.h"

#include <stdio.h>

#include "common/base/buf.h"

static const struct {
	const char *name;
	bool explained;
	const char *rule;
} causes[CAUSES] = {
#define CAUSE(NAME, name, explained, rule)                                     \
	[CAUSE_##NAME] = { name, explained, rule },
#include "common/export/cause.def"
#undef CAUSE
};

const char *
cause_name(enum cause c)
{
	return causes[c].name;
}

bool
cause_explains(enum cause c)
{
	return causes[c].explained;
}

const char *
cause_rule(enum cause c)
{
	return causes[c].rule;
}

void
cause_docs(struct buf *out)
{
	enum cause c;

	buf_puts(out,
	    "\n## Causes of differences\n\n| cause | explained | rule "
	    "|\n|---|---|---|\n");
	for (c = 0; c < CAUSES; c++)
		buf_printf(out, "| `%s` | %s | %s |\n", causes[c].name,
		    causes[c].explained ? "yes" : "no", causes[c].rule);
}

/* A judgement under way. */
struct judge {
	const struct case_pair *pair;
	void (*found)(void *arg, const struct difference *d);
	void *arg;
	size_t count;
	bool undelivered, duplicate; /* what was found of receipts */
};

static void
tell(struct judge *j, struct difference *d)
{
	j->count++;
	j->found(j->arg, d);
}

static void
put_there(char text[DIFFERENCE_TEXT], bool there)
{
	snprintf(text, DIFFERENCE_TEXT, "%s", there ? "there" : "missing");
}

/* A row or a receipt that one side has, or that only is not as it should. */
static void
tell_side(struct judge *j, const char *what, bool node, bool egress,
    enum cause cause)
{
	struct difference d = { .what = what, .cause = cause };

	put_there(d.node, node);
	put_there(d.egress, egress);
	tell(j, &d);
}

static bool
same_place(const struct receipt_row *a, const struct receipt_row *b)
{
	return a->seq == b->seq && slice_eq(a->chain, b->chain);
}

static const struct case_receipt *
find_receipt(const struct case_side *s, struct slice chain, int64_t seq)
{
	size_t i;

	for (i = 0; i < s->count; i++)
		if (s->receipts[i].receipt.row.seq == seq &&
		    slice_eq(s->receipts[i].receipt.row.chain, chain))
			return &s->receipts[i];
	return NULL;
}

static const struct case_receipt *
find_twin(const struct case_side *s, const struct receipt *r)
{
	return find_receipt(s, r->row.chain, r->row.seq);
}

static int64_t
signed_at(const struct receipt *r)
{
	int64_t at;

	return __builtin_add_overflow(r->row.started_at, r->row.total_us, &at)
		   ? INT64_MAX
		   : at;
}

static void
judge_egress_receipt(struct judge *j, const struct case_receipt *e)
{
	const struct case_receipt *n = find_twin(&j->pair->node, &e->receipt);

	if (n != NULL) {
		if (!slice_eq(n->receipt.object, e->receipt.object))
			tell_side(j, "receipt", true, true, CAUSE_TAMPERED);
		else if (e->held)
			tell_side(j, "receipt", true, true, CAUSE_LOST_ACK);
		return;
	}
	if (signed_at(&e->receipt) >= j->pair->node.as_of) {
		j->undelivered = true;
		tell_side(j, "receipt", false, true, CAUSE_AFTER_EXPORT);
		return;
	}
	j->undelivered |= e->held;
	tell_side(j, "receipt", false, true,
	    e->held ? CAUSE_UNDELIVERED : CAUSE_REMOVED);
}

static bool
is_doubled(const struct case_pair *p, const struct receipt *lost)
{
	size_t i;

	for (i = 0; i < p->egress.count; i++) {
		const struct receipt *r = &p->egress.receipts[i].receipt;

		if (!same_place(&r->row, &lost->row) &&
		    slice_is(r->row.state, "interrupted") &&
		    find_twin(&p->node, r) != NULL)
			return true;
	}
	return false;
}

static void
judge_node_receipt(struct judge *j, const struct case_receipt *n)
{
	const struct case_pair *p = j->pair;
	enum cause cause = CAUSE_REMOVED;

	if (find_twin(&p->egress, &n->receipt) != NULL)
		return;
	if (signed_at(&n->receipt) >= p->egress.as_of ||
	    n->receipt.row.started_at >= p->egress.as_of)
		cause = CAUSE_AFTER_EXPORT;
	else if (p->egress.open)
		cause = CAUSE_UNDER_WAY;
	else if (is_doubled(p, &n->receipt))
		cause = CAUSE_DUPLICATE;
	j->duplicate |= cause == CAUSE_DUPLICATE;
	tell_side(j, "receipt", true, false, cause);
}

static bool
is_free(const struct attempt_row *a)
{
	return a->chain.len == 0 && a->status == 0 && a->input_tokens == 0 &&
	       a->cache_read_tokens == 0 && a->cache_write_tokens == 0 &&
	       a->cache_write_1h_tokens == 0 && a->output_tokens == 0 &&
	       a->reasoning_tokens == 0 && a->cost_microusd == 0;
}

/*
 * When the egress signed it, if it did; else when the node was done with it.
 * What an egress takes is in no export until its intent is written, after the
 * body came and a place was free; so it is the end that has to lie before the
 * export's beginning.
 */
static int64_t
ended_at(const struct case_side *s)
{
	int64_t at = 0, end;
	size_t i;

	for (i = 0; i < s->count; i++)
		at = max_i64(at, signed_at(&s->receipts[i].receipt));
	if (s->count > 0)
		return at;
	return __builtin_add_overflow(s->row->started_at, s->row->total_us,
		   &end)
		   ? INT64_MAX
		   : end;
}

static enum cause
why_only_node(const struct case_pair *p)
{
	const struct attempt_row *a = p->node.row;

	if (ended_at(&p->node) >= p->egress.as_of)
		return CAUSE_AFTER_EXPORT;
	if (p->egress.open)
		return CAUSE_UNDER_WAY;
	if (is_free(a) && p->node.count == 0)
		return CAUSE_NEVER_CALLED;
	if (slice_is(a->state, "interrupted") && a->chain.len == 0 &&
	    p->node.count == 0)
		return CAUSE_INTERRUPTED;
	return CAUSE_REMOVED;
}

static enum cause
why_only_egress(const struct case_pair *p)
{
	if (p->egress.row->started_at >= p->node.as_of)
		return CAUSE_AFTER_EXPORT;
	return p->node.open ? CAUSE_UNDER_WAY : CAUSE_REMOVED;
}

/* Figures differ: may they? */
static enum cause
why_differs(const struct judge *j)
{
	const struct attempt_row *n = j->pair->node.row,
				 *e = j->pair->egress.row;

	if (slice_is(n->receipt, "mismatch") ||
	    !(j->duplicate || (j->undelivered && n->chain.len == 0)))
		return CAUSE_TAMPERED;
	if (slice_is(n->fail, "client-gone"))
		return CAUSE_CLIENT_GONE;
	if (slice_is(n->state, "interrupted") ||
	    slice_is(e->state, "interrupted"))
		return CAUSE_INTERRUPTED;
	if (j->duplicate)
		return CAUSE_DUPLICATE;
	return slice_is(n->usage_source, "estimated") ||
		       slice_is(n->usage_source, "partial") ||
		       slice_is(n->usage_source, "none")
		   ? CAUSE_ESTIMATE
		   : CAUSE_TAMPERED;
}

static void
put_int(char text[DIFFERENCE_TEXT], int64_t n)
{
	snprintf(text, DIFFERENCE_TEXT, "%lld", (long long)n);
}

static void
compare_int(struct judge *j, const char *what, int64_t node, int64_t egress)
{
	struct difference d = { .what = what };

	if (node == egress)
		return;
	put_int(d.node, node);
	put_int(d.egress, egress);
	d.cause = why_differs(j);
	tell(j, &d);
}

static void
compare_text(struct judge *j, const char *what, struct slice node,
    struct slice egress)
{
	struct difference d = { .what = what };

	if (slice_eq(node, egress))
		return;
	snprintf(d.node, DIFFERENCE_TEXT, "%.*s", SLICE_FMT(node));
	snprintf(d.egress, DIFFERENCE_TEXT, "%.*s", SLICE_FMT(egress));
	d.cause = why_differs(j);
	tell(j, &d);
}

/* What does not depend on who saw how much of the answer. */
static void
compare_text_always(struct judge *j, const char *what, struct slice node,
    struct slice egress)
{
	struct difference d = { .what = what, .cause = CAUSE_TAMPERED };

	if (slice_eq(node, egress))
		return;
	snprintf(d.node, DIFFERENCE_TEXT, "%.*s", SLICE_FMT(node));
	snprintf(d.egress, DIFFERENCE_TEXT, "%.*s", SLICE_FMT(egress));
	tell(j, &d);
}

static void
compare_figures(struct judge *j, const struct attempt_row *n,
    const struct attempt_row *e)
{
#define COMPARE(column) compare_int(j, #column, n->column, e->column)
	COMPARE(status);
	COMPARE(input_tokens);
	COMPARE(cache_read_tokens);
	COMPARE(cache_write_tokens);
	COMPARE(cache_write_1h_tokens);
	COMPARE(output_tokens);
	COMPARE(reasoning_tokens);
	COMPARE(cost_microusd);
#undef COMPARE
	/* It is told of the receipt, whatever else the node saw by itself. */
	if (j->undelivered && n->chain.len == 0)
		return;
	compare_text(j, "chain", n->chain, e->chain);
	compare_int(j, "chain_seq", n->chain_seq, e->chain_seq);
}

/* A receipt that came later is taken for its figures alone. */
static void
compare_words(struct judge *j, const struct attempt_row *n,
    const struct attempt_row *e)
{
	if (!slice_is(n->receipt, "verified"))
		return;
	compare_text(j, "usage_source", n->usage_source, e->usage_source);
	compare_text(j, "price_book", n->price_book, e->price_book);
	compare_text(j, "provider_cost", n->provider_cost, e->provider_cost);
	compare_text(j, "provider_usage", n->provider_usage, e->provider_usage);
}

/* The node said so when it had both, whatever its figures are. */
static void
compare_verdict(struct judge *j, const struct attempt_row *n)
{
	struct difference d = { .what = "receipt", .cause = CAUSE_TAMPERED };

	if (!slice_is(n->receipt, "mismatch"))
		return;
	snprintf(d.node, DIFFERENCE_TEXT, "mismatch");
	snprintf(d.egress, DIFFERENCE_TEXT, "there");
	tell(j, &d);
}

/* Of an answer that the node had all of. */
static void
compare_answer(struct judge *j, const struct attempt_row *n,
    const struct attempt_row *e)
{
	struct difference d = { .what = "answer_hash",
		.cause = CAUSE_TAMPERED };

	if (n->fail.len > 0 || hash_none(&n->answer_hash) ||
	    slice_is(e->state, "interrupted") ||
	    memcmp(&n->answer_hash, &e->answer_hash, HASH_BYTES) == 0)
		return;
	hex_write(d.node, n->answer_hash.bytes, HASH_BYTES);
	hex_write(d.egress, e->answer_hash.bytes, HASH_BYTES);
	tell(j, &d);
}

static void
judge_rows(struct judge *j)
{
	const struct attempt_row *n = j->pair->node.row,
				 *e = j->pair->egress.row;

	compare_text_always(j, "team", n->team, e->team);
	compare_text_always(j, "group", n->group, e->group);
	compare_text_always(j, "target", n->target, e->target);
	compare_verdict(j, n);
	compare_figures(j, n, e);
	compare_words(j, n, e);
	compare_answer(j, n, e);
}

/* The first figure of a row that is not what its receipt says, or NULL. */
static const char *
contradicts(const struct attempt_row *a, const struct receipt_row *r)
{
#define CONTRADICTS(column)                                                    \
	if (a->column != r->column)                                            \
	return #column
	CONTRADICTS(status);
	CONTRADICTS(input_tokens);
	CONTRADICTS(cache_read_tokens);
	CONTRADICTS(cache_write_tokens);
	CONTRADICTS(cache_write_1h_tokens);
	CONTRADICTS(output_tokens);
	CONTRADICTS(reasoning_tokens);
	CONTRADICTS(cost_microusd);
#undef CONTRADICTS
	return slice_eq(a->target, r->target) ? NULL : "target";
}

/* A side's row against the receipt that it names. */
static void
judge_own(struct judge *j, const struct case_side *s, bool node)
{
	const struct case_receipt *r;
	const char *column;

	if (s->row == NULL || s->row->chain.len == 0)
		return;
	r = find_receipt(s, s->row->chain, s->row->chain_seq);
	if (r == NULL) {
		tell_side(j, "receipt", !node, node, CAUSE_REMOVED);
		return;
	}
	column = contradicts(s->row, &r->receipt.row);
	/* A node's is of what it got itself: see compare_answer. */
	if (!node && column == NULL &&
	    memcmp(&s->row->answer_hash, &r->receipt.row.answer_hash,
		HASH_BYTES) != 0)
		column = "answer_hash";
	if (column != NULL && !slice_is(s->row->receipt, "mismatch")) {
		struct difference d = { .what = column,
			.cause = CAUSE_TAMPERED };

		snprintf(node ? d.node : d.egress, DIFFERENCE_TEXT,
		    "not as in its receipt");
		tell(j, &d);
	}
}

static void
judge_receipts(struct judge *j)
{
	const struct case_pair *p = j->pair;
	size_t i;

	for (i = 0; i < p->egress.count; i++)
		judge_egress_receipt(j, &p->egress.receipts[i]);
	for (i = 0; i < p->node.count; i++)
		judge_node_receipt(j, &p->node.receipts[i]);
}

static void
judge_presence(struct judge *j)
{
	const struct case_pair *p = j->pair;

	if (p->node.row != NULL)
		tell_side(j, "row", true, false, why_only_node(p));
	else if (p->egress.row != NULL)
		tell_side(j, "row", false, true, why_only_egress(p));
	else if (p->node.open || p->egress.open)
		tell_side(j, "row", false, false, CAUSE_UNDER_WAY);
	else
		tell_side(j, "row", false, false, CAUSE_REMOVED);
}

size_t
case_judge(const struct case_pair *c,
    void (*found)(void *arg, const struct difference *d), void *arg)
{
	struct judge j = { .pair = c, .found = found, .arg = arg };

	judge_receipts(&j);
	judge_own(&j, &c->node, true);
	judge_own(&j, &c->egress, false);
	if (c->node.row != NULL && c->egress.row != NULL)
		judge_rows(&j);
	else
		judge_presence(&j);
	return j.count;
}
