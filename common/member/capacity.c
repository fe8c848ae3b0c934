#include "common/member/capacity.h"

#include "common/base/arena.h"
#include "common/format/pack.h"

#define VERSION          1
#define FIELDS           5
#define ENTRY_FIELDS     5
#define FIELDS_MAX       64
#define ENTRY_FIELDS_MAX 64

/*
 * [version, egress, boot, number, entries], an entry
 * [target, kind, wait_us, half_open, turn].
 */
void
capacity_write(struct buf *out, const struct capacity *c)
{
	size_t i;

	pack_array(out, FIELDS);
	pack_int(out, VERSION);
	pack_text(out, c->egress);
	pack_int(out, c->epoch.boot);
	pack_int(out, c->epoch.number);
	pack_array(out, c->count);
	for (i = 0; i < c->count; i++) {
		const struct capacity_entry *e = &c->entries[i];

		pack_array(out, ENTRY_FIELDS);
		pack_text(out, e->target);
		pack_text(out, slice_of(backoff_kind_name(e->kind)));
		pack_int(out, e->wait_us);
		pack_bool(out, e->half_open);
		pack_int(out, e->turn);
	}
}

static void
skip_later_fields(struct unpack *u, size_t fields, size_t known)
{
	for (; fields > known && !u->failed; fields--)
		unpack_skip(u);
}

/* No wait is longer than the longest of any kind. */
static int64_t
read_wait_us(struct unpack *u)
{
	int64_t wait_us = unpack_int(u);

	if (wait_us < 0)
		u->failed = true;
	return min_i64(wait_us, BACKOFF_WAIT_MAX_US);
}

static void
read_entry(struct unpack *u, struct capacity_entry *e)
{
	size_t fields = unpack_array(u);

	if (fields < ENTRY_FIELDS || fields > ENTRY_FIELDS_MAX)
		u->failed = true;
	e->target = unpack_text(u);
	if (e->target.len == 0)
		u->failed = true;
	e->kind = backoff_kind_by_name(unpack_text(u));
	if (e->kind == BACKOFF_NONE)
		e->kind = BACKOFF_BREAKER;
	e->wait_us = read_wait_us(u);
	e->half_open = unpack_bool(u);
	e->turn = unpack_int(u);
	skip_later_fields(u, fields, ENTRY_FIELDS);
}

bool
capacity_read(struct capacity *c, struct arena *arena, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	struct capacity_entry *entries;
	size_t i, fields = unpack_array(&u);

	*c = (struct capacity){ .count = 0 };
	if (fields < FIELDS || fields > FIELDS_MAX || unpack_int(&u) != VERSION)
		u.failed = true;
	c->egress = unpack_text(&u);
	c->epoch.boot = unpack_int(&u);
	c->epoch.number = unpack_int(&u);
	c->count = unpack_array(&u);
	if (c->count > CAPACITY_ENTRIES_MAX)
		u.failed = true;
	if (u.failed)
		return false;
	entries = arena_many(arena, struct capacity_entry, c->count);
	for (i = 0; i < c->count && !u.failed; i++)
		read_entry(&u, &entries[i]);
	c->entries = entries;
	skip_later_fields(&u, fields, FIELDS);
	return unpack_done(&u);
}

bool
capacity_is_newer(const struct capacity_epoch *epoch,
    const struct capacity_epoch *than)
{
	if (epoch->boot >> CAPACITY_BOOT_BITS !=
	    than->boot >> CAPACITY_BOOT_BITS)
		return true;
	if (epoch->boot != than->boot)
		return epoch->boot > than->boot;
	return epoch->number > than->number;
}
