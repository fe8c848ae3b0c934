#include "common/base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"

/*
 * A line never breaks: every part is put whole or not at all.  A string takes
 * at most STRING_BYTES, so what each line begins with (time, level, member,
 * text) always fits; fields that do not are left out, and ROOM_AT_END stays
 * for saying so and for the end.
 */
#define LINE_BYTES   2048
#define STRING_BYTES 512 /* escaped, without its quotes; the rest is cut */
#define LEFT_OUT     ",\"left_out\":true"
#define ROOM_AT_END  (sizeof(LEFT_OUT) - 1 + 2)

_Static_assert(2 * STRING_BYTES + 128 + ROOM_AT_END <= LINE_BYTES,
    "the beginning of a line fits");

struct line {
	char text[LINE_BYTES];
	size_t len;
	bool full; /* something did not fit */
};

static const char *const level_names[] = { "debug", "info", "warn", "error" };

/* Set at start and by reload; the two globals that STYLE allows. */
static atomic_int threshold = LOG_INFO;
static _Atomic(const char *) member_name = "";

void
log_name(const char *member)
{
	atomic_store(&member_name, member);
}

void
log_threshold(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

bool
log_level_parse(enum log_level *level, struct slice name)
{
	size_t i;

	for (i = 0; i < count_of(level_names); i++)
		if (slice_is(name, level_names[i])) {
			*level = (enum log_level)i;
			return true;
		}
	return false;
}

static void
add(struct line *l, const char *bytes, size_t len)
{
	if (l->full || len > sizeof(l->text) - ROOM_AT_END - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->text + l->len, bytes, len);
	l->len += len;
}

static void
add_text(struct line *l, const char *text)
{
	add(l, text, strlen(text));
}

/* One character as JSON wants it; gives the bytes of `s` it stands for. */
static size_t
escape(char out[8], struct slice s)
{
	size_t len = utf8_char(s.ptr, s.ptr + s.len);
	unsigned char c = (unsigned char)s.ptr[0];

	memset(out, 0, 8);
	if (len == 0)
		memcpy(out, UTF8_REPLACEMENT, sizeof(UTF8_REPLACEMENT));
	else if (c < 0x20 || c == 0x7f)
		snprintf(out, 8, "\\u%04x", c);
	else if (c == '"' || c == '\\')
		snprintf(out, 8, "\\%c", c);
	else
		memcpy(out, s.ptr, len);
	return len > 0 ? len : 1;
}

static void
add_string(struct line *l, struct slice s)
{
	size_t bytes = 0, taken;
	char out[8];

	add_text(l, "\"");
	while (s.len > 0) {
		taken = escape(out, s);
		bytes += strlen(out);
		if (bytes > STRING_BYTES)
			break;
		add_text(l, out);
		s = slice_after(s, taken);
	}
	add_text(l, "\"");
}

static void
add_field(struct line *l, const struct log_field *field)
{
	char number[24];
	size_t before = l->len;

	add_text(l, ",");
	add_string(l, slice_of(field->name));
	add_text(l, ":");
	if (field->type == LOG_TYPE_STR) {
		add_string(l, field->text);
	} else {
		snprintf(number, sizeof(number), "%lld",
		    (long long)field->number);
		add_text(l, number);
	}
	if (l->full)
		l->len = before;
}

static void
end_line(struct line *l)
{
	if (l->full) {
		memcpy(l->text + l->len, LEFT_OUT, sizeof(LEFT_OUT) - 1);
		l->len += sizeof(LEFT_OUT) - 1;
	}
	l->text[l->len++] = '}';
	l->text[l->len++] = '\n';
}

void
log_write(enum log_level level, const char *text,
    const struct log_field *fields, size_t count)
{
	struct line l = { .len = 0 };
	char time[CLOCK_TEXT_BYTES];
	size_t i;

	if ((int)level < atomic_load_explicit(&threshold, memory_order_relaxed))
		return;
	clock_write(clock_wall_us(), time);
	add_text(&l, "{\"time\":\"");
	add_text(&l, time);
	add_text(&l, "\",\"level\":\"");
	add_text(&l, level_names[level]);
	add_text(&l, "\",\"member\":");
	add_string(&l, slice_of(atomic_load(&member_name)));
	add_text(&l, ",\"text\":");
	add_string(&l, slice_of(text));
	for (i = 0; i < count && !l.full; i++)
		add_field(&l, &fields[i]);
	end_line(&l);
	/* One write, so lines of threads do not mix; a full pipe loses one. */
	if (write(STDERR_FILENO, l.text, l.len) < 0)
		return;
}
