#include "common/export/mark.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/base/memory.h"
#include "common/export/entry.h"

#define LINE_BYTES 256

void
marks_init(struct marks *m)
{
	*m = (struct marks){ .items = NULL };
}

void
marks_fini(struct marks *m)
{
	free(m->items);
	marks_init(m);
}

static bool
is_signed(const struct checkpoint *c, const struct proof_keys *keys)
{
	const struct public_key *key;
	size_t which;

	for (which = 0;; which++) {
		key = keys->of(keys->arg, c->row.origin, which);
		if (key == NULL)
			return false;
		if (seal_check(&c->seal, key, CHECKPOINT_CONTEXT, c->object))
			return true;
	}
}

static size_t
fault(const struct marks_wish *w, const struct bundle *b, size_t at)
{
	char line[LINE_BYTES];

	snprintf(line, sizeof(line),
	    "%s: checkpoint: the line at byte %zu is none, or not signed by "
	    "its node",
	    b->manifest.member, at);
	if (w->finding != NULL)
		w->finding(w->arg, line);
	return 1;
}

static void
put(struct marks *m, const struct checkpoint_row *c)
{
	struct mark *mark;

	if (m->count == m->room) {
		m->room = m->room > 0 ? 2 * m->room : 64;
		m->items = xrealloc(m->items, m->room * sizeof(*m->items));
	}
	mark = &m->items[m->count++];
	*mark = (struct mark){ .seq = c->seq, .object = c->object };
	memcpy(mark->chain, c->chain.ptr, CHAIN_ID_CHARS - 1);
}

static int
by_place(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;
	int order = strcmp(x->chain, y->chain);

	return order != 0 ? order : (x->seq > y->seq) - (x->seq < y->seq);
}

static bool
same(const struct mark *a, const struct mark *b)
{
	return by_place(a, b) == 0 &&
	       memcmp(&a->object, &b->object, HASH_BYTES) == 0;
}

/* In order, and what both exports have once. */
static void
tidy(struct marks *m)
{
	size_t i, kept = 0;

	if (m->count == 0)
		return;
	qsort(m->items, m->count, sizeof(*m->items), by_place);
	for (i = 1; i < m->count; i++)
		if (!same(&m->items[i], &m->items[kept]))
			m->items[++kept] = m->items[i];
	m->count = kept + 1;
}

static bool
is_wanted(const struct marks_wish *w, const struct checkpoint_row *c)
{
	return (w->before == 0 || c->at < w->before) &&
	       (w->origin.len == 0 || slice_eq(w->origin, c->origin)) &&
	       (w->egress.len == 0 || slice_eq(w->egress, c->egress));
}

size_t
marks_add(struct marks *m, const struct bundle *b, const struct marks_wish *w)
{
	const struct tape *tape = &b->tapes[EXPORT_CHECKPOINT];
	struct tape_place place = tape_all(tape);
	struct entry_room room;
	struct tape_line line;
	struct checkpoint c;
	size_t bad = 0;

	entry_room_init(&room);
	while (tape_next(tape, &place, &line)) {
		if (!line.whole || m->count == MARKS_MAX ||
		    !entry_checkpoint(line.text, &room, &c) ||
		    !is_signed(&c, &w->keys))
			bad += fault(w, b, line.at);
		else if (is_wanted(w, &c.row))
			put(m, &c.row);
	}
	entry_room_fini(&room);
	tidy(m);
	return bad;
}
