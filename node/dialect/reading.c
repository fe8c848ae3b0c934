#include "node/dialect/reading.h"

#include <string.h>

#include "common/format/json.h"

bool
reading_refuse(struct reading *r, const char *why)
{
	r->why = why;
	return false;
}

static bool
says_nothing(const struct json_value *v)
{
	return v->type == JSON_NULL || (v->type == JSON_ARRAY && v->count == 0);
}

bool
reading_has_others(const struct json_value *object, const char *const *known,
    size_t count)
{
	const struct json_value *v;
	size_t i;

	for (v = object->first; v != NULL; v = v->next) {
		for (i = 0; i < count; i++)
			if (slice_is(v->name, known[i]))
				break;
		if (i == count && !says_nothing(v))
			return true;
	}
	return false;
}

/* Clients send defaults in so many words; a zero in as many ways. */
static bool
is_plain(const struct reading_key *k, const struct json_value *v)
{
	size_t i;

	if (k->plain == NULL)
		return false;
	if (v->type == JSON_OBJECT || v->type == JSON_ARRAY)
		return v->count == 0;
	if (v->type != JSON_NUMBER || strcmp(k->plain, "0") != 0)
		return slice_is(v->raw, k->plain);
	for (i = 0; i < v->raw.len; i++)
		if (strchr("-0.", v->raw.ptr[i]) == NULL)
			return false;
	return true;
}

static bool
read_key(struct reading *r, const struct reading_key *k,
    const struct json_value *v)
{
	if (k->carry != READING_NOTHING)
		carry_note(&r->turn->carried, k->carry);
	if (k->offset != READING_NOWHERE)
		*(struct slice *)(void *)((char *)r->turn + k->offset) = v->raw;
	return k->read == NULL || k->read(r, v);
}

static bool
is_known(const struct reading_key *keys, size_t count, struct slice name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (slice_is(name, keys[i].name))
			return true;
	return false;
}

bool
reading_keys(struct reading *r, const struct json_value *root,
    const struct reading_key *keys, size_t count)
{
	const struct json_value *v;
	size_t i;

	for (i = 0; i < count; i++) {
		v = json_find(root, keys[i].name);
		if (v != NULL && v->type != JSON_NULL &&
		    !is_plain(&keys[i], v) && !read_key(r, &keys[i], v))
			return false;
	}
	for (v = root->first; v != NULL; v = v->next)
		if (v->type != JSON_NULL && !is_known(keys, count, v->name))
			carry_note_unknown(&r->turn->carried, v->name);
	return true;
}
