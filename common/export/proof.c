#include "common/export/proof.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/export/entry.h"
#include "common/export/mark.h"

#define LINE_BYTES  256
#define THREADS_MAX 8
/* Of an egress's export each root comes back once for each of its origins. */
#define ROOTS (1u << 15)

/* One end of a run of lines: the first receipt, or the last. */
struct end {
	char chain[CHAIN_ID_CHARS];
	int64_t seq;          /* 0: there is none */
	struct hash hash;     /* of the object */
	struct hash previous; /* that the object names */
};

/* A root that was found good, by its digest; a table that forgets. */
struct roots {
	struct hash known[ROOTS];
};

/* One thread's share. */
struct share {
	pthread_t thread;
	const struct tape *tape;
	const struct proof_wish *wish;
	pthread_mutex_t *lock; /* of findings */
	struct tape_place place;
	struct roots *roots;
	struct receipt_audit counts;
	struct end first, last;
	size_t mark; /* the first that is not behind */
	bool good;   /* no fault of the present one so far */
};

static void like_printf(4, 5) fault(struct share *s, int64_t *count,
    const struct end *e, const char *fmt, ...)
{
	char line[LINE_BYTES];
	va_list args;
	int at = 0;

	*count += 1;
	s->good = false;
	if (s->wish->finding == NULL)
		return;
	if (e->seq > 0)
		at = snprintf(line, sizeof(line),
		    "chain %s number %lld: ", e->chain, (long long)e->seq);
	va_start(args, fmt);
	vsnprintf(line + at, sizeof(line) - (size_t)at, fmt, args);
	va_end(args);
	pthread_mutex_lock(s->lock);
	s->wish->finding(s->wish->arg, line);
	pthread_mutex_unlock(s->lock);
}

static struct end
end_of(const struct receipt *r)
{
	struct end e = { .seq = r->row.seq, .previous = r->row.previous };

	memcpy(e.chain, r->row.chain.ptr,
	    min_size(r->row.chain.len, CHAIN_ID_CHARS - 1));
	e.hash = hash_of(r->object.ptr, r->object.len);
	return e;
}

static void
check_gap(struct share *s, const struct end *e, int64_t gap)
{
	int64_t counted = 0;

	if (__builtin_add_overflow(s->counts.missing, gap, &s->counts.missing))
		s->counts.missing = INT64_MAX;
	if (s->wish->window)
		return;
	fault(s, &counted, e, "%lld before it are missing", (long long)gap);
}

/* Does `e` continue what came before it; `before` may be of another chain. */
static void
check_order(struct share *s, const struct end *before, const struct end *e)
{
	static const struct end none;
	int order = before->seq > 0 ? strcmp(before->chain, e->chain) : -1;
	const struct end *prior = order == 0 ? before : &none;

	if (order != 0)
		s->counts.chains++;
	if (order > 0 || e->seq <= prior->seq)
		fault(s, &s->counts.broken_chain, e,
		    "it is not in order: one is there twice, or lines were "
		    "moved");
	else if (e->seq - prior->seq > 1)
		check_gap(s, e, e->seq - prior->seq - 1);
	else if (memcmp(&e->previous, &prior->hash, HASH_BYTES) != 0)
		fault(s, &s->counts.broken_chain, e,
		    "it does not continue the one before it");
}

static struct hash
root_digest(const struct seal *seal, const struct public_key *key)
{
	struct hashing h;

	hashing_init(&h);
	hashing_add(&h, seal->root.bytes, HASH_BYTES);
	hashing_add(&h, &seal->count, sizeof(seal->count));
	hashing_add(&h, seal->signature.bytes, SIGNATURE_BYTES);
	hashing_add(&h, key->bytes, KEY_BYTES);
	return hashing_done(&h);
}

static bool
leads_to_root(const struct receipt *r)
{
	struct hash leaf = seal_leaf(RECEIPT_CONTEXT, r->object), root;

	return seal_root(&r->seal, &leaf, &root) &&
	       crypto_equal(root.bytes, r->seal.root.bytes, HASH_BYTES);
}

static bool
is_signed(struct share *s, const struct receipt *r,
    const struct public_key *key)
{
	struct hash digest = root_digest(&r->seal, key), *known;
	uint32_t at;

	memcpy(&at, digest.bytes, sizeof(at));
	known = &s->roots->known[at % ROOTS];
	if (memcmp(known, &digest, sizeof(digest)) == 0)
		return leads_to_root(r);
	if (!seal_check(&r->seal, key, RECEIPT_CONTEXT, r->object))
		return false;
	*known = digest;
	return true;
}

static void
check_signature(struct share *s, const struct receipt *r, const struct end *e)
{
	const struct proof_keys *keys = &s->wish->keys;
	const struct public_key *key;
	size_t which;

	for (which = 0;; which++) {
		key = keys->of(keys->arg, r->row.egress, which);
		if (key == NULL)
			break;
		if (is_signed(s, r, key))
			return;
	}
	fault(s, &s->counts.bad_signature, e,
	    which == 0 ? "no key is known for '%.*s'"
		       : "the signature is not that of '%.*s'",
	    SLICE_FMT(r->row.egress));
}

static void
check_writer(struct share *s, const struct receipt *r, const struct end *e)
{
	char id[CHAIN_ID_CHARS];

	chain_id_write(id, r->row.egress, r->row.epoch, r->row.worker,
	    r->row.origin);
	if (!slice_is(r->row.chain, id))
		fault(s, &s->counts.broken_chain, e,
		    "its writer is not that of the chain");
}

/* Shares have no mark in common: a mark is of one receipt. */
static void
check_marks(struct share *s, const struct end *e)
{
	struct marks *marks = s->wish->marks;
	struct mark *m;
	int order;

	for (; marks != NULL && s->mark < marks->count; s->mark++) {
		m = &marks->items[s->mark];
		order = strcmp(m->chain, e->chain);
		if (order > 0 || (order == 0 && m->seq > e->seq))
			return;
		if (order < 0 || m->seq < e->seq)
			continue;
		m->met = true;
		if (memcmp(&m->object, &e->hash, HASH_BYTES) != 0)
			fault(s, &s->counts.broken_chain, e,
			    "its node signed for another receipt at that "
			    "place");
	}
}

static void
check(struct share *s, const struct tape_line *line, struct entry_room *room)
{
	static const struct end none;
	struct receipt r;
	struct end e;

	s->counts.checked++;
	s->good = true;
	if (!line->whole || !entry_receipt(line->text, room, &r)) {
		fault(s, &s->counts.unreadable, &none,
		    "the line at byte %zu is no receipt, or its columns are "
		    "not what was signed",
		    line->at);
		return;
	}
	e = end_of(&r);
	check_writer(s, &r, &e);
	check_signature(s, &r, &e);
	check_marks(s, &e);
	if (s->first.seq == 0)
		s->first = e; /* judged when all shares are done */
	else
		check_order(s, &s->last, &e);
	s->last = e;
	s->counts.good += s->good;
	if (s->wish->each != NULL)
		s->wish->each(s->wish->arg, &r, line->at, s->good);
}

static void *
work(void *arg)
{
	struct share *s = arg;
	struct entry_room room;
	struct tape_line line;

	entry_room_init(&room);
	while (tape_next(s->tape, &s->place, &line))
		check(s, &line, &room);
	entry_room_fini(&room);
	return NULL;
}

/* Where the shares meet. */
static void
join(struct share *shares, unsigned count, struct receipt_audit *out)
{
	struct end before = { .seq = 0 };
	unsigned i;

	for (i = 0; i < count; i++) {
		struct share *s = &shares[i];

		s->good = true;
		if (s->first.seq > 0) {
			check_order(s, &before, &s->first);
			s->counts.good -= !s->good && s->counts.good > 0;
			before = s->last;
		}
		out->checked += s->counts.checked;
		out->good += s->counts.good;
		out->bad_signature += s->counts.bad_signature;
		out->broken_chain += s->counts.broken_chain;
		out->unreadable += s->counts.unreadable;
		out->chains += s->counts.chains;
		if (__builtin_add_overflow(out->missing, s->counts.missing,
			&out->missing))
			out->missing = INT64_MAX;
	}
}

/* What nodes signed for and nobody saw was taken off a chain's end. */
static void
check_unmet(struct share *s, struct receipt_audit *out)
{
	struct marks *marks = s->wish->marks;
	size_t i;

	for (i = 0; marks != NULL && i < marks->count; i++) {
		struct end e = { .seq = marks->items[i].seq };

		if (marks->items[i].met)
			continue;
		memcpy(e.chain, marks->items[i].chain, sizeof(e.chain));
		if (out->missing < INT64_MAX)
			fault(s, &out->missing, &e,
			    "its node signed that it has it, and it is not "
			    "here");
	}
}

void
proof_check(const struct tape *tape, const struct proof_wish *wish,
    unsigned threads, struct receipt_audit *out)
{
	struct share shares[THREADS_MAX] = { 0 };
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	unsigned count = wish->each != NULL ? 1 : threads, i;
	size_t at = 0;

	count = count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : count;
	memset(out, 0, sizeof(*out));
	for (i = 0; i < count; i++) {
		struct share *s = &shares[i];

		s->tape = tape;
		s->wish = wish;
		s->lock = &lock;
		s->roots = xcalloc(1, sizeof(*s->roots));
		s->place.at = at;
		at = i + 1 == count
			 ? tape->len
			 : tape_line_from(tape, tape->len / count * (i + 1));
		s->place.end = at;
		if (i > 0 && pthread_create(&s->thread, NULL, work, s) != 0)
			abort();
	}
	work(&shares[0]);
	for (i = 1; i < count; i++)
		pthread_join(shares[i].thread, NULL);
	join(shares, count, out);
	check_unmet(&shares[0], out);
	for (i = 0; i < count; i++)
		free(shares[i].roots);
}
