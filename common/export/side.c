#include "common/export/side.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/export/entry.h"
#include "common/export/mark.h"

#define LINE_BYTES 256
#define HELD       1u /* a place's flag */

/* Rows of one file, one ahead. */
struct rows {
	enum export_kind kind;
	struct tape_place place;
	struct entry_room rooms[2]; /* of the one told of, and the one ahead */
	struct attempt_row row[2];
	unsigned ahead; /* which of the two */
	uint8_t key[ATTEMPT_ID_BYTES];
	bool has;
};

struct side {
	const struct side_wish *wish;
	struct receipt_audit audit;
	size_t faults;
	struct sorter *sorter;
	bool full; /* the sorter took no more */
	/* The outbox, in the order of receipts. */
	struct tape_place outbox;
	char outbox_chain[CHAIN_ID_CHARS];
	int64_t outbox_seq; /* 0: at its end */
	struct rows attempts, open;
	struct sorter_place next;
	bool has_next;
	struct entry_room rooms[CASE_RECEIPTS_MAX];
};

static void like_printf(2, 3) fault(struct side *s, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int at;

	s->faults++;
	if (s->wish->finding == NULL)
		return;
	at = snprintf(line, sizeof(line),
	    "%s: ", s->wish->bundle->manifest.member);
	va_start(args, fmt);
	vsnprintf(line + at, sizeof(line) - (size_t)at, fmt, args);
	va_end(args);
	s->wish->finding(s->wish->arg, line);
}

static const struct tape *
tape_of(const struct side *s, enum export_kind k)
{
	return &s->wish->bundle->tapes[k];
}

static void
rows_init(struct side *s, struct rows *r, enum export_kind k)
{
	r->kind = k;
	r->place = tape_all(tape_of(s, k));
	entry_room_init(&r->rooms[0]);
	entry_room_init(&r->rooms[1]);
}

static void
rows_fini(struct rows *r)
{
	entry_room_fini(&r->rooms[0]);
	entry_room_fini(&r->rooms[1]);
}

struct side *
side_new(const struct side_wish *w)
{
	struct side *s = xcalloc(1, sizeof(*s));
	size_t i;

	s->wish = w;
	s->sorter = sorter_new(0);
	s->outbox = tape_all(&w->bundle->tapes[EXPORT_OUTBOX]);
	rows_init(s, &s->attempts, EXPORT_ATTEMPT);
	rows_init(s, &s->open, EXPORT_OPEN);
	for (i = 0; i < CASE_RECEIPTS_MAX; i++)
		entry_room_init(&s->rooms[i]);
	return s;
}

void
side_free(struct side *s)
{
	size_t i;

	if (s == NULL)
		return;
	sorter_free(s->sorter);
	rows_fini(&s->attempts);
	rows_fini(&s->open);
	for (i = 0; i < CASE_RECEIPTS_MAX; i++)
		entry_room_fini(&s->rooms[i]);
	free(s);
}

static bool
in_window(const struct side *s, const struct id *request)
{
	int64_t us = id_time_ms(request) * US_PER_MS;

	return us >= s->wish->from && us < s->wish->to;
}

static void
key_of(uint8_t key[ATTEMPT_ID_BYTES], const struct id *request, int64_t number)
{
	memcpy(key, request->bytes, ID_BYTES);
	key[ID_BYTES] = (uint8_t)number;
}

/* The next of the node's in the outbox. */
static void
next_outbox(struct side *s)
{
	struct outbox_entry e;
	struct tape_line line;

	s->outbox_seq = 0;
	while (s->outbox_seq == 0 &&
	       tape_next(tape_of(s, EXPORT_OUTBOX), &s->outbox, &line)) {
		if (!line.whole || !entry_outbox(line.text, &s->rooms[0], &e)) {
			fault(s,
			    "outbox: the line at byte %zu is no entry, or was "
			    "changed",
			    line.at);
			continue;
		}
		if (!slice_eq(e.origin, s->wish->node))
			continue;
		memcpy(s->outbox_chain, e.chain, sizeof(e.chain));
		s->outbox_seq = e.seq;
	}
}

/* Does the egress still hold it?  Asked in the order of receipts. */
static bool
is_held(struct side *s, const struct receipt_row *r)
{
	int order;

	while (s->outbox_seq > 0) {
		order =
		    memcmp(s->outbox_chain, r->chain.ptr, CHAIN_ID_CHARS - 1);
		if (order > 0 || (order == 0 && s->outbox_seq > r->seq))
			return false;
		if (order == 0 && s->outbox_seq == r->seq)
			return true;
		next_outbox(s);
	}
	return false;
}

static void
on_receipt(void *arg, const struct receipt *r, size_t at, bool good)
{
	struct side *s = arg;
	struct sorter_place p = { .at = at };

	(void)good; /* proved faulty ones are counted; they are judged too */
	if (!slice_eq(r->row.origin, s->wish->node) ||
	    !slice_eq(r->row.egress, s->wish->egress) ||
	    !in_window(s, &r->row.request))
		return;
	if (s->wish->is_egress && is_held(s, &r->row))
		p.flags = HELD;
	key_of(p.attempt, &r->row.request, r->row.attempt);
	if (!s->full && !sorter_put(s->sorter, &p)) {
		s->full = true;
		fault(s, "temporary files: %s", strerror(errno));
	}
}

static void
on_finding(void *arg, const char *line)
{
	fault(arg, "%s", line);
}

/* What was signed for before this export began has to be in it. */
static void
mark(struct side *s, struct marks *marks)
{
	const struct bundle *own = s->wish->bundle;
	struct marks_wish w = {
		.keys = s->wish->keys,
		.before = own->manifest.as_of,
		.finding = on_finding,
		.arg = s,
	};

	marks_init(marks);
	(void)marks_add(marks, own, &w); /* counted by on_finding */
	/* The other member has more parents, or more nodes, than this one. */
	w.origin = s->wish->node;
	w.egress = s->wish->egress;
	(void)marks_add(marks, s->wish->other, &w);
}

/*
 * Receipts come to a node in any order, and some again after a lost link: what
 * it has not yet is told attempt by attempt, by what the egress has.  Numbers
 * that both lack are a gap at the egress.
 */
static bool
may_have_gaps(const struct side *s)
{
	return bundle_is_window(s->wish->bundle) ||
	       (!s->wish->is_egress && !bundle_is_window(s->wish->other));
}

void
side_prove(struct side *s)
{
	struct marks marks;
	struct proof_wish wish = {
		.keys = s->wish->keys,
		.window = may_have_gaps(s),
		.finding = on_finding,
		.each = on_receipt,
		.arg = s,
	};

	mark(s, &marks);
	wish.marks = bundle_is_window(s->wish->bundle) ? NULL : &marks;
	next_outbox(s);
	proof_check(tape_of(s, EXPORT_RECEIPT), &wish, 1, &s->audit);
	marks_fini(&marks);
}

const struct receipt_audit *
side_audit(const struct side *s)
{
	return &s->audit;
}

size_t
side_faults(const struct side *s)
{
	return s->faults;
}

/* Of the two members, and in the window. */
static bool
is_wanted(const struct side *s, const struct attempt_row *a)
{
	return slice_eq(a->egress, s->wish->egress) &&
	       slice_eq(a->origin, s->wish->node) && in_window(s, &a->request);
}

static void
next_row(struct side *s, struct rows *r)
{
	const struct tape *tape = tape_of(s, r->kind);
	uint8_t before[ATTEMPT_ID_BYTES];
	struct tape_line line;
	bool had = r->has;

	memcpy(before, r->key, sizeof(before));
	r->has = false;
	r->ahead ^= 1u;
	while (!r->has && tape_next(tape, &r->place, &line)) {
		struct attempt_row *row = &r->row[r->ahead];

		if (!line.whole || !entry_row(ROW_ATTEMPT, line.text,
				       &r->rooms[r->ahead], row)) {
			fault(s,
			    "%s: the line at byte %zu is no row, or was "
			    "changed",
			    kind_name(r->kind), line.at);
			continue;
		}
		if (!is_wanted(s, row))
			continue;
		key_of(r->key, &row->request, row->number);
		if (had && memcmp(r->key, before, sizeof(before)) <= 0) {
			fault(s,
			    "%s: the line at byte %zu is not in order: one "
			    "is there twice, or lines were moved",
			    kind_name(r->kind), line.at);
			memcpy(r->key, before, sizeof(before));
			continue;
		}
		r->has = true;
	}
}

bool
side_begin(struct side *s)
{
	if (s->full || !sorter_begin(s->sorter)) {
		fault(s, "temporary files: %s", strerror(errno));
		return false;
	}
	s->has_next = sorter_next(s->sorter, &s->next);
	next_row(s, &s->attempts);
	next_row(s, &s->open);
	return true;
}

bool
side_peek(struct side *s, uint8_t attempt[ATTEMPT_ID_BYTES])
{
	const uint8_t *least = NULL;

	if (s->attempts.has)
		least = s->attempts.key;
	if (s->has_next && (least == NULL || memcmp(s->next.attempt, least,
						 ATTEMPT_ID_BYTES) < 0))
		least = s->next.attempt;
	if (least != NULL)
		memcpy(attempt, least, ATTEMPT_ID_BYTES);
	return least != NULL;
}

bool
side_failed(const struct side *s)
{
	return sorter_failed(s->sorter);
}

static void
take_receipt(struct side *s, struct case_side *out)
{
	struct tape_place place = { s->next.at,
		tape_of(s, EXPORT_RECEIPT)->len };
	struct case_receipt *r;
	struct tape_line line;

	if (out->count == CASE_RECEIPTS_MAX) {
		fault(s, "receipt: one attempt has more than %d",
		    CASE_RECEIPTS_MAX);
		return;
	}
	r = &out->receipts[out->count];
	if (!tape_next(tape_of(s, EXPORT_RECEIPT), &place, &line) ||
	    !entry_receipt(line.text, &s->rooms[out->count], &r->receipt))
		return; /* it was read before: the file changes under us */
	r->held = (s->next.flags & HELD) != 0;
	out->count++;
}

void
side_take(struct side *s, const uint8_t attempt[ATTEMPT_ID_BYTES],
    struct case_side *out)
{
	out->row = NULL;
	out->count = 0;
	out->as_of = s->wish->bundle->manifest.as_of;
	while (
	    s->open.has && memcmp(s->open.key, attempt, ATTEMPT_ID_BYTES) < 0)
		next_row(s, &s->open);
	out->open =
	    s->open.has && memcmp(s->open.key, attempt, ATTEMPT_ID_BYTES) == 0;
	while (s->has_next &&
	       memcmp(s->next.attempt, attempt, ATTEMPT_ID_BYTES) == 0) {
		take_receipt(s, out);
		s->has_next = sorter_next(s->sorter, &s->next);
	}
	if (s->attempts.has &&
	    memcmp(s->attempts.key, attempt, ATTEMPT_ID_BYTES) == 0) {
		out->row = &s->attempts.row[s->attempts.ahead];
		next_row(s, &s->attempts);
	}
}
