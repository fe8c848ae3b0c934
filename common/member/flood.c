#include "common/member/flood.h"

#include <stdlib.h>

#include "common/base/memory.h"

#define ACTOR_BYTES  64
#define ACTION_BYTES 96
#define FROM_BYTES   48
#define WHY_BYTES    96

struct kind {
	int64_t since_us; /* 0: the place is free */
	int64_t last_us, times;
	int64_t status;
	uint8_t actor_len, action_len, from_len, why_len;
	char actor[ACTOR_BYTES], action[ACTION_BYTES], from[FROM_BYTES],
	    why[WHY_BYTES];
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

static uint8_t
copy(char *to, size_t room, struct slice text)
{
	size_t len = min_size(room, text.len);

	if (len > 0)
		memcpy(to, text.ptr, len);
	return (uint8_t)len;
}

static struct kind
kind_of(const struct audit_row *row)
{
	struct kind k = { .since_us = row->at, .status = row->status };

	k.actor_len = copy(k.actor, sizeof(k.actor), row->actor);
	k.action_len = copy(k.action, sizeof(k.action), row->action);
	k.from_len = copy(k.from, sizeof(k.from), row->from);
	k.why_len = copy(k.why, sizeof(k.why), row->why);
	return k;
}

/* Everything but when and how often. */
static bool
is_same(const struct kind *a, const struct kind *b)
{
	return a->since_us != 0 && a->status == b->status &&
	       slice_eq(slice_make(a->actor, a->actor_len),
		   slice_make(b->actor, b->actor_len)) &&
	       slice_eq(slice_make(a->action, a->action_len),
		   slice_make(b->action, b->action_len)) &&
	       slice_eq(slice_make(a->from, a->from_len),
		   slice_make(b->from, b->from_len)) &&
	       slice_eq(slice_make(a->why, a->why_len),
		   slice_make(b->why, b->why_len));
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
	row->actor = slice_make(k->actor, k->actor_len);
	row->action = slice_make(k->action, k->action_len);
	row->from = slice_make(k->from, k->from_len);
	row->why = slice_make(k->why, k->why_len);
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

bool
flood_lets(struct flood *f, struct audit_row *row)
{
	struct kind k = kind_of(row), *at = find(f, &k);

	if (at == NULL) {
		const struct audit_row others = { .at = row->at,
			.status = row->status,
			.why = slice_of("more kinds of refusals than are told "
					"apart") };

		at = &f->kinds[FLOOD_KINDS - 1];
		k = kind_of(&others);
		k.status = 0;
		if (at->since_us == 0) {
			*at = k;
			write_row(row, at);
			row->what = slice_of("");
			row->role = slice_of("");
			return true;
		}
	}
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
