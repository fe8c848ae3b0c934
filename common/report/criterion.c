#include "common/report/criterion.h"

#include "common/base/buf.h"

#define TAG "tag."

static const struct {
	const char *name;
	enum criterion_part part;
} parts[] = {
	{ "provider", PART_PROVIDER },
	{ "model", PART_MODEL },
};

static bool
read_tag(struct criterion *c, struct slice name)
{
	struct slice tag = slice_after(name, strlen(TAG));

	if (tag.len == 0 || tag.len >= CRITERION_TAG_MAX)
		return false;
	*c =
	    (struct criterion){ .dimension = DIMENSION_tags, .part = PART_TAG };
	memcpy(c->tag, tag.ptr, tag.len);
	return true;
}

void
criteria_list(struct buf *out)
{
	size_t i;

	for (i = 0; i < DIMENSIONS; i++)
		buf_printf(out, "%s%s", i > 0 ? ", " : "",
		    dimension_name((enum dimension)i));
	for (i = 0; i < count_of(parts); i++)
		buf_printf(out, ", %s", parts[i].name);
	buf_puts(out, ", " TAG "KEY");
}

bool
criterion_read(struct criterion *c, struct slice name, struct buf *why)
{
	size_t i;

	*c = (struct criterion){ .dimension = dimension_by_name(name) };
	if (c->dimension != DIMENSIONS)
		return true;
	for (i = 0; i < count_of(parts); i++) {
		if (!slice_is(name, parts[i].name))
			continue;
		c->dimension = DIMENSION_target;
		c->part = parts[i].part;
		return true;
	}
	if (slice_starts(name, TAG) && read_tag(c, name))
		return true;
	buf_printf(why,
	    "there is no dimension '%.*s'; there are: ", SLICE_FMT(name));
	criteria_list(why);
	buf_putc(why, '\n');
	return false;
}

void
criterion_write(const struct criterion *c, struct buf *out)
{
	size_t i;

	if (c->part == PART_TAG)
		buf_printf(out, TAG "%s", c->tag);
	else if (c->part == PART_WHOLE)
		buf_puts(out, dimension_name(c->dimension));
	for (i = 0; i < count_of(parts); i++)
		if (c->part == parts[i].part)
			buf_puts(out, parts[i].name);
}

/* "provider/model"; a model may have further slashes. */
static struct slice
part_of_target(enum criterion_part part, struct slice target)
{
	const char *slash = memchr(target.ptr, '/', target.len);
	size_t n = slash != NULL ? (size_t)(slash - target.ptr) : target.len;

	if (part == PART_PROVIDER)
		return slice_make(target.ptr, n);
	return slice_after(target, slash != NULL ? n + 1 : n);
}

struct slice
criterion_value(const struct criterion *c, const struct dimensions *d)
{
	struct slice whole = d->of[c->dimension];

	if (c->part == PART_WHOLE || whole.len == 0)
		return whole;
	if (c->part == PART_TAG)
		return dimension_tag(whole, slice_of(c->tag));
	return part_of_target(c->part, whole);
}

static bool
same(const struct criterion *a, const struct criterion *b)
{
	return a->dimension == b->dimension && a->part == b->part &&
	       strcmp(a->tag, b->tag) == 0;
}

/* One of the values that are asked of this one's criterion. */
static bool
is_met(const struct filter *f, size_t which, const struct dimensions *d)
{
	const struct criterion *c = &f->where[which].criterion;
	struct slice value = criterion_value(c, d);
	size_t i;

	for (i = 0; i < f->count; i++)
		if (same(&f->where[i].criterion, c) &&
		    slice_eq(f->where[i].value, value))
			return true;
	return false;
}

bool
filter_passes(const struct filter *f, const struct dimensions *d)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (!is_met(f, i, d))
			return false;
	return true;
}

bool
filter_add(struct filter *f, enum dimension d, struct slice value)
{
	if (f->count == FILTER_MAX)
		return false;
	f->where[f->count].criterion = (struct criterion){ .dimension = d };
	f->where[f->count++].value = value;
	return true;
}

static bool
read_one(struct filter *f, struct slice item, struct buf *why)
{
	const char *colon =
	    item.len > 0 ? memchr(item.ptr, ':', item.len) : NULL;

	if (colon == NULL) {
		buf_printf(why,
		    "'%.*s' is no filter: write DIMENSION:VALUE, as "
		    "project:checkout\n",
		    SLICE_FMT(item));
		return false;
	}
	if (f->count == FILTER_MAX) {
		buf_printf(why, "there are more than %d filters\n", FILTER_MAX);
		return false;
	}
	f->where[f->count].value =
	    slice_make(colon + 1, item.len - (size_t)(colon + 1 - item.ptr));
	return criterion_read(&f->where[f->count++].criterion,
	    slice_make(item.ptr, (size_t)(colon - item.ptr)), why);
}

bool
filter_read(struct filter *f, struct slice list, struct buf *why)
{
	while (list.len > 0)
		if (!read_one(f, slice_cut(&list, ','), why))
			return false;
	return true;
}
