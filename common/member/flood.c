#include "common/member/flood.h"

#include <stdlib.h>

#include "common/base/memory.h"

#define TEXT_BYTES 1024 /* of a kind's texts together */

/* What a kind is told apart by, besides the status. */
enum part { ACTOR, ROLE, ACTION, WHAT, OUTCOME, WHY, FROM, PARTS };

struct kind {
	int64_t since_us; /* 0: the place is free */
	int64_t last_us, times;
	int64_t status;
	uint16_t ends[PARTS]; /* of each part, in `text` */
	char text[TEXT_BYTES];
};

struct flood {
	size_t used; /* places that may be in use are before this */
	size_t last; /* place that was counted or told */
	struct kind kinds[FLOOD_KINDS];
	struct kind told; /* what flood_next gave */
};

struct flood *
flood_new(void)
{
	return xcalloc(1, sizeof(struct flood));
}

void
flood_free(struct flood *f)
{
	free(f);
}

static struct slice *
part_of(struct audit_row *row, enum part part)
{
	struct slice *const parts[PARTS] = { [ACTOR] = &row->actor,
		[ROLE] = &row->role,
		[ACTION] = &row->action,
		[WHAT] = &row->what,
		[OUTCOME] = &row->outcome,
		[WHY] = &row->why,
		[FROM] = &row->from };

	return parts[part];
}

/* False: its texts are too long to be kept, and it is of no kind. */
static bool
kind_init(struct kind *k, const struct audit_row *row)
{
	struct audit_row texts = *row;
	size_t end = 0;
	enum part p;

	*k = (struct kind){ .since_us = row->at, .status = row->status };
	for (p = 0; p < PARTS; p++) {
		struct slice *text = part_of(&texts, p);

		if (text->len > TEXT_BYTES - end)
			return false;
		if (text->len > 0)
			memcpy(k->text + end, text->ptr, text->len);
		end += text->len;
		k->ends[p] = (uint16_t)end;
	}
	return true;
}

/* Everything but when and how often. */
static bool
is_same(const struct kind *a, const struct kind *b)
{
	return a->since_us != 0 && a->status == b->status &&
	       memcmp(a->ends, b->ends, sizeof(a->ends)) == 0 &&
	       memcmp(a->text, b->text, a->ends[PARTS - 1]) == 0;
}

/* Its place, or a free one (which stays so), or NULL: all are taken. */
static struct kind *
find(struct flood *f, const struct kind *k)
{
	struct kind *room = NULL;
	size_t i;

	for (i = 0; i < f->used; i++) {
		if (is_same(&f->kinds[i], k))
			return &f->kinds[i];
		if (f->kinds[i].since_us == 0 && room == NULL)
			room = &f->kinds[i];
	}
	/* The last place is that of all others. */
	if (room == NULL && f->used < FLOOD_KINDS - 1)
		room = &f->kinds[f->used++];
	return room;
}

static void
write_row(struct audit_row *row, const struct kind *k)
{
	size_t start = 0;
	enum part p;

	for (p = 0; p < PARTS; p++) {
		*part_of(row, p) =
		    slice_make(k->text + start, k->ends[p] - start);
		start = k->ends[p];
	}
	row->status = k->status;
}

/* Those after the first. */
static void
write_counted(struct audit_row *row, const struct kind *k)
{
	*row = (struct audit_row){ .at = k->last_us,
		.since = k->since_us,
		.times = k->times };
	write_row(row, k);
}

static bool
count(struct flood *f, struct kind *k, int64_t at)
{
	k->times++;
	k->last_us = at;
	f->last = (size_t)(k - f->kinds);
	return false;
}

/* Of a refusal that no place is left for; the last one is that of all such. */
static bool
lump(struct flood *f, struct audit_row *row)
{
	struct kind *at = &f->kinds[FLOOD_KINDS - 1];
	const struct audit_row others = { .at = row->at,
		.outcome = row->outcome,
		.why = slice_of("more kinds of refusals than are told "
				"apart") };

	if (at->since_us != 0)
		return count(f, at, row->at);
	(void)kind_init(at, &others);
	write_row(row, at);
	return true;
}

bool
flood_lets(struct flood *f, struct audit_row *row)
{
	struct kind k, *at = NULL;

	if (kind_init(&k, row))
		at = find(f, &k);
	if (at == NULL)
		return slice_is(row->outcome, "refused") ? lump(f, row) : true;
	if (at->since_us != 0)
		return count(f, at, row->at);
	*at = k;
	return true;
}

void
flood_counted(const struct flood *f, struct audit_row *row)
{
	write_counted(row, &f->kinds[f->last]);
}

size_t
flood_place(const struct flood *f)
{
	return f->last;
}

void
flood_forget(struct flood *f, const struct audit_row *row)
{
	struct kind k, *at = NULL;

	if (kind_init(&k, row))
		at = find(f, &k);
	if (at != NULL)
		at->since_us = 0;
}

bool
flood_next(struct flood *f, int64_t now_us, struct audit_row *row)
{
	size_t i;

	for (i = 0; i < FLOOD_KINDS; i++) {
		struct kind *k = &f->kinds[i];

		if (k->since_us == 0 ||
		    (now_us != INT64_MAX &&
			now_us < k->since_us + FLOOD_WINDOW_US))
			continue;
		f->told = *k;
		k->since_us = 0;
		if (f->told.times == 0)
			continue;
		f->last = i;
		write_counted(row, &f->told);
		return true;
	}
	return false;
}
