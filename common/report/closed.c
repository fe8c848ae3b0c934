#include "common/report/closed.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/report/report.h"
#include "common/store/closure.h"
#include "common/store/custody.h"
#include "common/store/receipt.h"

#define TREE_MAX ((size_t)CLOSURE_MAX * 40)

static const struct json_value *
parse(struct arena *arena, const struct closure *c)
{
	struct json_error error;

	return json_parse(arena, c->statement, &error);
}

static void
take_text(const struct json_value *statement, const char *name,
    struct arena *arena, char text[CLOSED_TEXT_MAX])
{
	struct slice s;

	text[0] = '\0';
	if (json_text(json_find(statement, name), arena, &s))
		snprintf(text, CLOSED_TEXT_MAX, "%.*s", SLICE_FMT(s));
}

static bool
read_statement(struct closed *c, const struct closure *closure,
    enum row_kind kind)
{
	const struct json_value *statement, *totals;
	struct arena arena;
	enum measure m;

	arena_init(&arena, TREE_MAX);
	statement = parse(&arena, closure);
	take_text(statement, "closed_at", &arena, c->at);
	take_text(statement, "closed_by", &arena, c->by);
	totals = json_find(json_find(statement, "totals"),
	    kind == ROW_REQUEST ? "requests" : "attempts");
	for (m = 0; m < MEASURES; m++)
		if (!json_int(json_find(totals, measure_name(m)),
			&c->totals[m]))
			c->totals[m] = 0;
	c->whole &= totals != NULL;
	arena_fini(&arena);
	return statement != NULL;
}

bool
closed_find(struct ledger *l, const struct report_query *q, struct closed *c)
{
	int64_t month = period_of(PERIOD_MONTH, q->from_us);
	struct closure closure;
	struct buf bytes;
	bool found = false;

	if (q->from_us != period_start_us(PERIOD_MONTH, month) ||
	    q->to_us != period_start_us(PERIOD_MONTH, month + 1))
		return false;
	/* Of rows retention may have taken some; roll-ups stay. */
	*c = (struct closed){ .whole = q->filter.count == 0 &&
				       q->scope.count == 0 && !q->rows &&
				       q->baseline.len == 0 };
	buf_init(&bytes, CLOSURE_MAX);
	if (closure_find(ledger_db(l), month, &bytes, &closure))
		found = read_statement(c, &closure, q->kind);
	buf_fini(&bytes);
	return found;
}

static int64_t
change(const struct closed *c, const struct total *now, enum measure m)
{
	if (!c->whole || m >= MEASURE_savings_requests)
		return 0;
	return now->of[m] - c->totals[m];
}

void
closed_write(const struct closed *c, const struct total *now, struct buf *out)
{
	enum measure m;
	bool any = false;

	buf_printf(out, "\nClosed on %s by %s", c->at, c->by);
	for (m = 0; m < MEASURES; m++) {
		if (change(c, now, m) == 0)
			continue;
		buf_printf(out, "%s %s %+" PRId64,
		    any ? "," : "; later adjustments:", measure_name(m),
		    change(c, now, m));
		any = true;
	}
	buf_puts(out, c->whole && !any ? "; no later adjustments\n" : "\n");
}

void
closed_json(const struct closed *c, const struct total *now,
    struct json_writer *w)
{
	enum measure m;

	json_key(w, "closed");
	json_open(w, '{');
	json_field_text(w, "at", slice_of(c->at));
	json_field_text(w, "by", slice_of(c->by));
	if (c->whole) {
		json_key(w, "adjustments");
		json_open(w, '{');
		for (m = 0; m < MEASURES; m++)
			if (change(c, now, m) != 0)
				json_field_int(w, measure_name(m),
				    change(c, now, m));
		json_close(w, '}');
	}
	json_close(w, '}');
}

struct verifying {
	struct ledger *ledger;
	const struct public_key *member;
	void (*finding)(void *arg, const char *line);
	void *arg;
	struct closed_audit *audit;
	struct slice month;
	struct buf bytes;
	struct arena arena;
	bool good;
};

static void like_printf(2, 3) fault(struct verifying *v, const char *fmt, ...)
{
	char line[512];
	va_list args;
	int at;

	v->good = false;
	at = snprintf(line, sizeof(line),
	    "the closed month %.*s: ", (int)min_size(v->month.len, 16),
	    v->month.ptr);
	va_start(args, fmt);
	vsnprintf(line + at, sizeof(line) - (size_t)at, fmt, args);
	va_end(args);
	v->finding(v->arg, line);
}

/* Is a text of the statement this hash? */
static bool
is_hash(struct verifying *v, const struct json_value *object, const char *name,
    const struct hash *hash)
{
	char hex[2 * HASH_BYTES + 1];
	struct slice text;

	hex_write(hex, hash->bytes, HASH_BYTES);
	return json_text(json_find(object, name), &v->arena, &text) &&
	       slice_is(text, hex);
}

static void
check_totals(struct verifying *v, const struct json_value *statement)
{
	const struct json_value *totals = json_find(statement, "totals");
	struct hash hash;

	if (totals != NULL) {
		hash = hash_of(totals->raw.ptr, totals->raw.len);
		if (is_hash(v, statement, "totals_hash", &hash))
			return;
	}
	fault(v, "its sums are not those of their hash");
}

/* The receipt that a chain ended with then. */
static void
check_head(struct verifying *v, const struct json_value *head)
{
	struct receipt_row row = { .seq = 0 };
	uint8_t key[RECEIPT_KEY_BYTES];
	struct receipt r;
	struct hash hash;

	if (!json_text(json_find(head, "chain"), &v->arena, &row.chain) ||
	    !json_int(json_find(head, "seq"), &row.seq) ||
	    !receipt_key(key, &row)) {
		fault(v, "it names a chain that is none");
		return;
	}
	if (!db_get(ledger_db(v->ledger), FAMILY_RECEIPT,
		slice_make(key, sizeof(key)), &v->bytes)) {
		if (!custody_receipt_gone(ledger_custody(v->ledger), key))
			fault(v, "receipt %" PRId64 " of chain %.*s is gone",
			    row.seq, SLICE_FMT(row.chain));
		return;
	}
	if (!receipt_read(&r, buf_slice(&v->bytes))) {
		fault(v, "receipt %" PRId64 " of chain %.*s is none", row.seq,
		    SLICE_FMT(row.chain));
		return;
	}
	hash = hash_of(r.object.ptr, r.object.len);
	if (!is_hash(v, head, "hash", &hash))
		fault(v,
		    "receipt %" PRId64 " of chain %.*s is another one than "
		    "then",
		    row.seq, SLICE_FMT(row.chain));
}

static void
check(void *arg, struct slice month, const struct closure *c)
{
	struct verifying *v = arg;
	const struct json_value *statement, *heads, *head;

	v->month = month;
	v->good = true;
	v->audit->months++;
	if (c == NULL || !closure_is_signed(c, v->member)) {
		fault(v, "it is not what this member signed");
		return;
	}
	arena_init(&v->arena, TREE_MAX);
	statement = parse(&v->arena, c);
	check_totals(v, statement);
	heads = json_find(statement, "chains");
	for (head = heads != NULL ? heads->first : NULL; head != NULL;
	     head = head->next)
		check_head(v, head);
	arena_fini(&v->arena);
	v->audit->good += v->good;
}

bool
closed_verify(struct ledger *l, const struct public_key *member,
    void (*finding)(void *arg, const char *line), void *arg,
    struct closed_audit *audit)
{
	struct verifying v = { .ledger = l,
		.member = member,
		.finding = finding,
		.arg = arg,
		.audit = audit };
	bool whole;

	*audit = (struct closed_audit){ 0, 0 };
	buf_init(&v.bytes, ROW_BYTES_MAX);
	whole = closure_each(ledger_db(l), check, &v);
	buf_fini(&v.bytes);
	return whole;
}
