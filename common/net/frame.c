#include "common/net/frame.h"

#include <assert.h>

enum kind { KIND_INT, KIND_TEXT, KIND_BYTES, KIND_NAMES };

struct field {
	enum kind kind;
	size_t at; /* offset in struct frame */
	int64_t least, most;
};

/* All fields of all frames, one after the other. */
static const struct field fields[] = {
#define FIELD(kind, name, field, least, most)                                  \
	{ kind, offsetof(struct frame, as.name.field), least, most },
#define INT(...)   FIELD(KIND_INT, __VA_ARGS__)
#define TEXT(...)  FIELD(KIND_TEXT, __VA_ARGS__)
#define BYTES(...) FIELD(KIND_BYTES, __VA_ARGS__)
#define NAMES(...) FIELD(KIND_NAMES, __VA_ARGS__)
#include "common/net/msg.def"
};

/*
 * Where a frame's fields begin and end in that table: the enumerators count
 * fields, and those for a frame's borders do not move the count.
 */
enum {
#define FRAME(NAME, name, number, sender, step)                                \
	FIRST_##name, FIRST_BACK_##name = FIRST_##name - 1,
#define INT(name, field, least, most)   INDEX_##name##_##field,
#define TEXT(name, field, least, most)  INDEX_##name##_##field,
#define BYTES(name, field, least, most) INDEX_##name##_##field,
#define NAMES(name, field, least, most) INDEX_##name##_##field,
#define LAST(name)                      PAST_##name, PAST_BACK_##name = PAST_##name - 1,
#include "common/net/msg.def"
	FIELD_COUNT
};

_Static_assert(FIELD_COUNT == count_of(fields), "every field has its index");

struct layout {
	const char *name; /* NULL: no such frame */
	enum frame_sender sender;
	size_t first, past; /* in fields[] */
};

static const struct layout layouts[] = {
#define FRAME(NAME, name, number, sender, step)                                \
	[number] = { #NAME, FRAME_##sender, FIRST_##name, PAST_##name },
#include "common/net/msg.def"
};

static const struct layout *
layout_of(int64_t number)
{
	if (number < 0 || (uint64_t)number >= count_of(layouts) ||
	    layouts[number].name == NULL)
		return NULL;
	return &layouts[number];
}

enum frame_sender
frame_sender(enum frame_type type)
{
	return layouts[type].sender;
}

const char *
frame_name(enum frame_type type)
{
	return layouts[type].name;
}

static void
write_field(struct buf *out, const struct field *field, const char *at)
{
	const struct slice *bytes = (const void *)at;

	switch (field->kind) {
	case KIND_INT:
		pack_int(out, *(const int64_t *)(const void *)at);
		break;
	case KIND_TEXT:
		pack_text(out, *bytes);
		break;
	case KIND_BYTES:
		pack_bytes(out, bytes->ptr, bytes->len);
		break;
	case KIND_NAMES:
		buf_put_slice(out, *bytes);
		break;
	}
}

void
frame_write(struct buf *out, const struct frame *f)
{
	const struct layout *layout = layout_of(f->type);
	size_t i;

	assert(layout != NULL);
	pack_array(out, 1 + layout->past - layout->first);
	pack_int(out, f->type);
	for (i = layout->first; i < layout->past; i++)
		write_field(out, &fields[i], (const char *)f + fields[i].at);
}

/* Fewer or more names than allowed, or one that is empty or too long. */
static bool
names_fit(struct slice packed, int64_t least, int64_t most)
{
	struct unpack u = unpack_start(packed);
	size_t i, n = unpack_array(&u);

	if ((int64_t)n < least || (int64_t)n > most)
		return false;
	for (i = 0; i < n; i++) {
		struct slice name = unpack_text(&u);

		if (name.len < 1 || name.len > FRAME_NAME_MAX)
			return false;
	}
	return unpack_done(&u);
}

size_t
frame_names(struct slice packed, struct slice names[FRAME_NAMES_MAX])
{
	struct unpack u = unpack_start(packed);
	size_t i, n = unpack_array(&u);

	assert(n <= FRAME_NAMES_MAX);
	for (i = 0; i < n; i++)
		names[i] = unpack_text(&u);
	return n;
}

static bool
read_field(struct unpack *u, const struct field *field, char *at)
{
	struct slice *bytes = (void *)at;
	int64_t value;

	switch (field->kind) {
	case KIND_INT:
		value = unpack_int(u);
		*(int64_t *)(void *)at = value;
		return !u->failed && value >= field->least &&
		       value <= field->most;
	case KIND_TEXT:
		*bytes = unpack_text(u);
		break;
	case KIND_BYTES:
		*bytes = unpack_bytes(u);
		break;
	case KIND_NAMES:
		*bytes = unpack_raw(u);
		return !u->failed &&
		       names_fit(*bytes, field->least, field->most);
	}
	return !u->failed && (int64_t)bytes->len >= field->least &&
	       (int64_t)bytes->len <= field->most;
}

static enum frame_result
pass_over(struct unpack *u, int64_t number, size_t values)
{
	size_t i;

	if (number < FRAME_OPTIONAL)
		return FRAME_BAD;
	for (i = 0; i < values && !u->failed; i++)
		unpack_skip(u);
	return u->failed ? FRAME_BAD : FRAME_PASSED;
}

enum frame_result
frame_read(struct frame *f, struct unpack *u)
{
	size_t i, count = unpack_array(u);
	int64_t number = unpack_int(u);
	const struct layout *layout = layout_of(number);

	if (u->failed || count < 1)
		return FRAME_BAD;
	if (layout == NULL)
		return pass_over(u, number, count - 1);
	if (count - 1 != layout->past - layout->first)
		return FRAME_BAD;
	f->type = (enum frame_type)number;
	for (i = layout->first; i < layout->past; i++)
		if (!read_field(u, &fields[i], (char *)f + fields[i].at))
			return FRAME_BAD;
	return FRAME_GOOD;
}
