#include "common/store/dimension.h"

#include <stdio.h>

#include "common/base/buf.h"
#include "common/format/pack.h"

static const struct {
	const char *name, *meaning;
} dimensions[DIMENSIONS] = {
#define DIMENSION(name, meaning) { #name, meaning },
#include "common/store/dimension.def"
#undef DIMENSION
};

const char *
dimension_name(enum dimension d)
{
	return dimensions[d].name;
}

const char *
dimension_meaning(enum dimension d)
{
	return dimensions[d].meaning;
}

enum dimension
dimension_by_name(struct slice name)
{
	int d;

	for (d = 0; d < DIMENSIONS; d++)
		if (slice_is(name, dimensions[d].name))
			return (enum dimension)d;
	return DIMENSIONS;
}

static void
put_status(struct dimensions *d, int64_t status)
{
	int n = 0;

	if (status > 0 && status <= 999)
		n = snprintf(d->status, sizeof(d->status), "%d", (int)status);
	d->of[DIMENSION_status] = slice_make(d->status, (size_t)n);
}

/* Requests and attempts have these columns alike. */
#define TAKE(d, row)                                                           \
	do {                                                                   \
		(d)->of[DIMENSION_team] = (row)->team;                         \
		(d)->of[DIMENSION_cost_center] = (row)->cost_center;           \
		(d)->of[DIMENSION_project] = (row)->project;                   \
		(d)->of[DIMENSION_user] = (row)->user;                         \
		(d)->of[DIMENSION_caller] = (row)->caller;                     \
		(d)->of[DIMENSION_group] = (row)->group;                       \
		(d)->of[DIMENSION_region] = (row)->region;                     \
		(d)->of[DIMENSION_egress] = (row)->egress;                     \
		(d)->of[DIMENSION_dialect] = (row)->dialect;                   \
		(d)->of[DIMENSION_fail] = (row)->fail;                         \
		(d)->of[DIMENSION_price_book] = (row)->price_book;             \
		(d)->of[DIMENSION_target] = (row)->target;                     \
		put_status(d, (row)->status);                                  \
	} while (0)

void
dimensions_of_request(struct dimensions *d, const struct request_row *row)
{
	memset(d, 0, sizeof(*d));
	TAKE(d, row);
	d->of[DIMENSION_environment] = row->environment;
	d->of[DIMENSION_strategy] = row->strategy;
	d->of[DIMENSION_operation] = row->operation;
	d->of[DIMENSION_client] = row->client;
	d->of[DIMENSION_tags] = row->tags;
}

void
dimensions_of_attempt(struct dimensions *d, const struct attempt_row *row)
{
	memset(d, 0, sizeof(*d));
	TAKE(d, row);
	d->of[DIMENSION_origin] = row->origin;
}

void
dimensions_write(const struct dimensions *d, struct buf *out)
{
	size_t count = DIMENSIONS, i;

	while (count > 0 && d->of[count - 1].len == 0)
		count--;
	pack_array(out, count);
	for (i = 0; i < count; i++)
		pack_text(out, d->of[i]);
}

bool
dimensions_read(struct dimensions *d, struct slice bytes)
{
	struct unpack u = unpack_start(bytes);
	size_t count = unpack_array(&u), i;

	memset(d, 0, sizeof(*d));
	if (count > DIMENSIONS)
		return false;
	for (i = 0; i < count; i++)
		d->of[i] = unpack_text(&u);
	return unpack_done(&u);
}

struct slice
dimension_tag(struct slice tags, struct slice key)
{
	const char *at = tags.ptr, *end, *comma, *value;

	if (tags.len == 0)
		return slice_make(NULL, 0);
	for (end = at + tags.len; at < end; at = comma + 1) {
		comma = memchr(at, ',', (size_t)(end - at));
		if (comma == NULL)
			comma = end;
		value = memchr(at, '=', (size_t)(comma - at));
		if (value != NULL &&
		    slice_eq(slice_make(at, (size_t)(value - at)), key))
			return slice_make(value + 1,
			    (size_t)(comma - value - 1));
	}
	return slice_make(NULL, 0);
}
