#include "common/base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"

#define LINE_BYTES 2048
#define TEXT_CHARS 512 /* of one field; the rest is cut */

struct line {
	char text[LINE_BYTES];
	size_t len;
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
	/* Two bytes stay for the closing brace and the line break. */
	len = min_size(len, sizeof(l->text) - 2 - l->len);
	memcpy(l->text + l->len, bytes, len);
	l->len += len;
}

/* Bytes above 0x7f go out as they are: readers cope with odd UTF-8. */
static void
add_string(struct line *l, struct slice s)
{
	char escape[8];
	size_t i;
	unsigned char c;

	/* Room for the worst case, or the line would end inside a string. */
	if (sizeof(l->text) - l->len < 6 * TEXT_CHARS / 4)
		s.len = 0;
	add(l, "\"", 1);
	for (i = 0; i < min_size(s.len, TEXT_CHARS); i++) {
		if (sizeof(l->text) - l->len < 16)
			break;
		c = (unsigned char)s.ptr[i];
		if (c < 0x20 || c == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", c);
			add(l, escape, 6);
			continue;
		}
		if (c == '"' || c == '\\')
			add(l, "\\", 1);
		add(l, (const char *)&s.ptr[i], 1);
	}
	add(l, "\"", 1);
}

static void
add_field(struct line *l, const struct log_field *field)
{
	char number[24];

	if (sizeof(l->text) - l->len < 96)
		return;
	add(l, ",", 1);
	add_string(l, slice_of(field->name));
	add(l, ":", 1);
	if (field->type == LOG_TYPE_STR) {
		add_string(l, field->text);
		return;
	}
	snprintf(number, sizeof(number), "%lld", (long long)field->number);
	add(l, number, strlen(number));
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
	add(&l, "{\"time\":\"", 9);
	add(&l, time, strlen(time));
	add(&l, "\",\"level\":\"", 11);
	add(&l, level_names[level], strlen(level_names[level]));
	add(&l, "\",\"member\":", 11);
	add_string(&l, slice_of(atomic_load(&member_name)));
	add(&l, ",\"text\":", 8);
	add_string(&l, slice_of(text));
	for (i = 0; i < count; i++)
		add_field(&l, &fields[i]);
	l.text[l.len++] = '}';
	l.text[l.len++] = '\n';
	/* One write, so lines of threads do not mix; a full pipe loses one. */
	if (write(STDERR_FILENO, l.text, l.len) < 0)
		return;
}
