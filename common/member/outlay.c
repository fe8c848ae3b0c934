#include "common/member/outlay.h"

#include "common/base/buf.h"
#include "common/format/pack.h"

#define VERSION 1
#define FIELDS  2
#define DAY     (1 + (int)BUDGET_UNITS)

/* [version, [[day, requests, tokens, micro-USD], …]] */
void
outlay_write(struct buf *out, const struct outlay *o)
{
	size_t i;
	int u;

	pack_array(out, FIELDS);
	pack_int(out, VERSION);
	pack_array(out, o->count);
	for (i = 0; i < o->count; i++) {
		pack_array(out, DAY);
		pack_int(out, o->days[i].day);
		for (u = 0; u < BUDGET_UNITS; u++)
			pack_int(out, o->days[i].sums.of[u]);
	}
}

static bool
read_day(struct unpack *u, struct outlay_day *d, int64_t after)
{
	bool good = unpack_array(u) == (size_t)DAY;
	int unit;

	d->day = unpack_int(u);
	good = good && d->day > after && d->day <= UINT32_MAX;
	for (unit = 0; unit < BUDGET_UNITS; unit++) {
		d->sums.of[unit] = unpack_int(u);
		good = good && d->sums.of[unit] >= 0 &&
		       d->sums.of[unit] <= OUTLAY_SUM_MAX;
	}
	return good && !u->failed;
}

bool
outlay_read(struct outlay *o, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	int64_t after = 0;
	size_t i;

	if (unpack_array(&u) != FIELDS || unpack_int(&u) != VERSION)
		return false;
	o->count = unpack_array(&u);
	if (o->count > OUTLAY_DAYS_MAX)
		return false;
	for (i = 0; i < o->count; i++) {
		if (!read_day(&u, &o->days[i], after))
			return false;
		after = o->days[i].day;
	}
	return unpack_done(&u);
}

bool
outlay_due(struct outlay_pace *p, uint64_t changes)
{
	bool due = p->told != changes || p->ticks_left == 0;

	p->ticks_left = due ? OUTLAY_ANEW_TICKS : p->ticks_left - 1;
	if (due)
		p->told = p->seen;
	p->seen = changes;
	return due;
}

void
outlay_anew(struct outlay_pace *p)
{
	p->ticks_left = 0;
}
