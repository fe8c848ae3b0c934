#include "common/store/legal_hold.h"

#include <stdio.h>
#include <time.h>

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/format/pack.h"

#define PREFIX     "retention/hold/"
#define PREFIX_END "retention/hold0" /* '0' follows '/' */
#define KEY_MAX    (sizeof(PREFIX) + LEGAL_HOLD_NAME_MAX)
#define VALUE_MAX  2048
#define FIELDS     6

static struct slice
key_of(char key[KEY_MAX], const char *name)
{
	snprintf(key, KEY_MAX, PREFIX "%s", name);
	return slice_of(key);
}

/* Exactly so many digits. */
static bool
read_digits(struct slice *text, size_t count, int *number)
{
	size_t i;

	*number = 0;
	if (text->len < count)
		return false;
	for (i = 0; i < count; i++) {
		if (text->ptr[i] < '0' || text->ptr[i] > '9')
			return false;
		*number = *number * 10 + (text->ptr[i] - '0');
	}
	*text = slice_after(*text, count);
	return true;
}

static bool
read_mark(struct slice *text, char mark)
{
	if (text->len == 0 || text->ptr[0] != mark)
		return false;
	*text = slice_after(*text, 1);
	return true;
}

static bool
read_clock(struct slice *text, struct tm *tm)
{
	return read_mark(text, 'T') && read_digits(text, 2, &tm->tm_hour) &&
	       read_mark(text, ':') && read_digits(text, 2, &tm->tm_min) &&
	       read_mark(text, ':') && read_digits(text, 2, &tm->tm_sec) &&
	       read_mark(text, 'Z') && tm->tm_hour < 24 && tm->tm_min < 60 &&
	       tm->tm_sec < 60;
}

bool
legal_hold_time(struct slice text, int64_t *ms)
{
	struct tm tm = { .tm_isdst = 0 }, same;
	time_t seconds;

	if (!read_digits(&text, 4, &tm.tm_year) || !read_mark(&text, '-') ||
	    !read_digits(&text, 2, &tm.tm_mon) || !read_mark(&text, '-') ||
	    !read_digits(&text, 2, &tm.tm_mday))
		return false;
	if (text.len > 0 && (!read_clock(&text, &tm) || text.len > 0))
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	same = tm;
	seconds = timegm(&same);
	/* The 31st of a short month would be another day. */
	if (seconds < 0 || same.tm_mday != tm.tm_mday ||
	    same.tm_mon != tm.tm_mon)
		return false;
	*ms = (int64_t)seconds * 1000;
	return true;
}

static bool
is_name(struct slice name)
{
	size_t i;

	if (name.len == 0 || name.len > LEGAL_HOLD_NAME_MAX)
		return false;
	for (i = 0; i < name.len; i++)
		if ((name.ptr[i] < 'a' || name.ptr[i] > 'z') &&
		    (name.ptr[i] < '0' || name.ptr[i] > '9') &&
		    (i == 0 || strchr("._-", name.ptr[i]) == NULL))
			return false;
	return true;
}

static bool
copy_text(char out[LEGAL_HOLD_TEXT_MAX + 1], struct slice text)
{
	if (text.len > LEGAL_HOLD_TEXT_MAX)
		return false;
	if (text.len > 0)
		memcpy(out, text.ptr, text.len);
	out[text.len] = '\0';
	return true;
}

static bool
make_span(struct retention_span *span, const struct legal_hold_wish *wish)
{
	span->from_ms = 0;
	span->to_ms = INT64_MAX;
	return (wish->from.len == 0 ||
		   legal_hold_time(wish->from, &span->from_ms)) &&
	       (wish->to.len == 0 || legal_hold_time(wish->to, &span->to_ms));
}

static void
say_classes(struct buf *why, struct slice class)
{
	enum retention_class c;

	buf_printf(why,
	    "'%.*s' is no class of rows that has a limit; there "
	    "are",
	    SLICE_FMT(class));
	for (c = 0; c < RETENTION_LIMITED; c++)
		buf_printf(why, "%s %s", c > 0 ? "," : "", retention_name(c));
	buf_putc(why, '\n');
}

bool
legal_hold_make(struct legal_hold *h, const struct legal_hold_wish *wish,
    struct buf *why)
{
	enum retention_class class = retention_by_name(wish->class);

	*h = (struct legal_hold){ .at_us = wish->now_us };
	h->keeps.classes = LEGAL_HOLD_ALL;
	if (wish->class.len > 0 && class >= RETENTION_LIMITED) {
		say_classes(why, wish->class);
		return false;
	}
	if (wish->class.len > 0)
		h->keeps.classes = 1u << class;
	if (!is_name(wish->name))
		buf_printf(why,
		    "a hold's name is up to %d small letters, digits, '.', "
		    "'_' and '-'\n",
		    LEGAL_HOLD_NAME_MAX);
	else if (!copy_text(h->why, wish->why) || !copy_text(h->by, wish->by))
		buf_printf(why, "why is at most %d bytes\n",
		    LEGAL_HOLD_TEXT_MAX);
	else if (!make_span(&h->keeps.span, wish))
		buf_puts(why, "a time is a day, as 2026-11-01, or a moment, "
			      "as 2026-11-01T08:30:00Z, of UTC\n");
	else if (h->keeps.span.from_ms >= h->keeps.span.to_ms)
		buf_puts(why, "from is not before to: nothing would be held\n");
	else {
		memcpy(h->name, wish->name.ptr, wish->name.len);
		return true;
	}
	return false;
}

static void
write_hold(struct buf *out, const struct legal_hold *h)
{
	enum retention_class c;
	size_t count = 0;

	for (c = 0; c < RETENTION_LIMITED; c++)
		count += (h->keeps.classes >> c) & 1;
	pack_array(out, FIELDS);
	pack_int(out, h->keeps.span.from_ms);
	pack_int(out, h->keeps.span.to_ms);
	pack_int(out, h->at_us);
	pack_text(out, slice_of(h->by));
	pack_text(out, slice_of(h->why));
	/* Names stay what they are; numbers of classes need not. */
	pack_array(out, count);
	for (c = 0; c < RETENTION_LIMITED; c++)
		if (h->keeps.classes & 1u << c)
			pack_text(out, slice_of(retention_name(c)));
}

static bool
read_hold(struct legal_hold *h, struct slice name, struct slice value)
{
	struct unpack u = unpack_start(value);
	size_t count;

	*h = (struct legal_hold){ .at_us = 0 };
	if (!is_name(name) || unpack_array(&u) != FIELDS)
		return false;
	memcpy(h->name, name.ptr, name.len);
	h->keeps.span.from_ms = unpack_int(&u);
	h->keeps.span.to_ms = unpack_int(&u);
	h->at_us = unpack_int(&u);
	if (!copy_text(h->by, unpack_text(&u)) ||
	    !copy_text(h->why, unpack_text(&u)))
		return false;
	for (count = unpack_array(&u); count > 0 && !u.failed; count--) {
		enum retention_class c = retention_by_name(unpack_text(&u));

		if (c < RETENTION_LIMITED)
			h->keeps.classes |= 1u << c;
	}
	return unpack_done(&u);
}

bool
legal_hold_put(struct db *db, const struct legal_hold *h)
{
	char key[KEY_MAX];
	struct buf value;
	bool done;

	buf_init(&value, VALUE_MAX);
	write_hold(&value, h);
	done =
	    !value.failed && db_put_now(db, FAMILY_META, key_of(key, h->name),
				 buf_slice(&value)) == DB_OK;
	buf_fini(&value);
	return done;
}

bool
legal_hold_remove(struct db *db, const char *name)
{
	char key[KEY_MAX];

	return db_delete_now(db, FAMILY_META, key_of(key, name)) == DB_OK;
}

int
legal_hold_read_all(struct db *db, struct legal_hold holds[LEGAL_HOLDS_MAX])
{
	struct db_scan *scan = db_scan_new(db, FAMILY_META, slice_of(PREFIX),
	    slice_of(PREFIX_END), false);
	struct slice key, value;
	int count = 0;

	while (count >= 0 && db_scan_next(scan, &key, &value)) {
		if (count < LEGAL_HOLDS_MAX &&
		    read_hold(&holds[count], slice_after(key, strlen(PREFIX)),
			value)) {
			count++;
			continue;
		}
		log_error("a legal hold is damaged: nothing is dropped",
		    log_slice("key", key));
		count = -1;
	}
	if (db_scan_failed(scan))
		count = -1;
	db_scan_free(scan);
	return count;
}

static const struct table_column columns[] = {
	{ "name", CELL_TEXT },
	{ "from", CELL_TIME },
	{ "to", CELL_TIME },
	{ "classes", CELL_TEXT },
	{ "by", CELL_TEXT },
	{ "at", CELL_TIME },
	{ "why", CELL_TEXT },
};

static void
put_classes(struct table *t, unsigned classes)
{
	enum retention_class c;
	struct buf text;

	buf_init(&text, LEGAL_HOLD_TEXT_MAX);
	if (classes == LEGAL_HOLD_ALL)
		buf_puts(&text, "all");
	for (c = 0; c < RETENTION_LIMITED && classes != LEGAL_HOLD_ALL; c++)
		if (classes & 1u << c)
			buf_printf(&text, "%s%s", text.len > 0 ? " " : "",
			    retention_name(c));
	table_text(t, buf_slice(&text));
	buf_fini(&text);
}

static void
put_hold(struct table *t, const struct legal_hold *h)
{
	const struct retention_span *span = &h->keeps.span;

	table_text(t, slice_of(h->name));
	table_int(t, span->from_ms * US_PER_MS);
	table_int(t, span->to_ms == INT64_MAX ? 0 : span->to_ms * US_PER_MS);
	put_classes(t, h->keeps.classes);
	table_text(t, slice_of(h->by));
	table_int(t, h->at_us);
	table_text(t, slice_of(h->why));
}

void
legal_hold_list(const struct legal_hold *holds, size_t count,
    enum output_format format, struct buf *out)
{
	struct table t;
	size_t i;

	table_open(&t, out, format, columns, count_of(columns));
	for (i = 0; i < count; i++)
		put_hold(&t, &holds[i]);
	table_close(&t);
}
