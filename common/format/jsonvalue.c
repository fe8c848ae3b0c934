#include <assert.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/format/jsontext.h"

/* An escape has at most 6 bytes a byte of text. */
#define WORD_MAX     64
#define WORD_RAW_MAX (6 * WORD_MAX)

const struct json_member *
json_index_find(const struct json_index *index, const char *name)
{
	struct slice wanted = slice_of(name);
	size_t i;

	for (i = 0; i < index->count; i++)
		if (slice_eq(index->members[i].name, wanted))
			return &index->members[i];
	return NULL;
}

const struct json_value *
json_find(const struct json_value *object, const char *name)
{
	struct slice wanted = slice_of(name);
	const struct json_value *v;

	if (object == NULL || object->type != JSON_OBJECT)
		return NULL;
	for (v = object->first; v != NULL; v = v->next)
		if (slice_eq(v->name, wanted))
			return v;
	return NULL;
}

struct slice
json_word(const struct json_value *value, char room[static JSON_WORD_MAX])
{
	struct slice inside;

	if (value == NULL || value->type != JSON_STRING)
		return slice_of("");
	inside = slice_make(value->raw.ptr + 1, value->raw.len - 2);
	if (memchr(inside.ptr, '\\', inside.len) == NULL)
		return inside;
	if (inside.len > JSON_WORD_MAX)
		return slice_of("");
	return slice_make(room, jsontext_unescape(room, inside));
}

void
json_pick(const struct json_value *object, const struct slice *names,
    size_t count, const struct json_value **at)
{
	const struct json_value *v;
	size_t i;

	memset(at, 0, count * sizeof(*at));
	if (object == NULL || object->type != JSON_OBJECT)
		return;
	for (v = object->first; v != NULL; v = v->next)
		for (i = 0; i < count; i++)
			if (slice_eq(v->name, names[i])) {
				at[i] = v;
				break;
			}
}

bool
json_text(const struct json_value *value, struct arena *arena,
    struct slice *text)
{
	return value != NULL && json_raw_text(value->raw, arena, text);
}

bool
json_raw_text(struct slice raw, struct arena *arena, struct slice *text)
{
	struct slice inside;
	char *plain;

	if (raw.len < 2 || raw.ptr[0] != '"')
		return false;
	inside = slice_make(raw.ptr + 1, raw.len - 2);
	*text = inside;
	if (memchr(inside.ptr, '\\', inside.len) == NULL)
		return true;
	if (!arena_fits(arena, inside.len))
		return false;
	plain = arena_alloc(arena, inside.len);
	*text = slice_make(plain, jsontext_unescape(plain, inside));
	return true;
}

bool
json_raw_int(struct slice raw, int64_t *number)
{
	bool minus = raw.len > 0 && raw.ptr[0] == '-';
	int64_t n = 0;
	size_t i;
	int digit;

	if (raw.len == minus)
		return false;
	/* Counted down, since the smallest has no positive. */
	for (i = minus; i < raw.len; i++) {
		digit = raw.ptr[i] - '0';
		if (digit < 0 || digit > 9 ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, digit, &n))
			return false;
	}
	if (!minus && n == INT64_MIN)
		return false;
	*number = minus ? n : -n;
	return true;
}

bool
json_is(const struct json_value *value, const char *text)
{
	struct slice inside, wanted = slice_of(text);
	char plain[WORD_RAW_MAX];

	assert(wanted.len <= WORD_MAX);
	if (value == NULL || value->type != JSON_STRING)
		return false;
	inside = slice_make(value->raw.ptr + 1, value->raw.len - 2);
	if (memchr(inside.ptr, '\\', inside.len) == NULL)
		return slice_eq(inside, wanted);
	if (inside.len > WORD_RAW_MAX)
		return false;
	return slice_eq(slice_make(plain, jsontext_unescape(plain, inside)),
	    wanted);
}
