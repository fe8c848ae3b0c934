#include "node/tag.h"

#include "common/base/arena.h"

#define WHY                                                                    \
	"X-Router-Tags is a list of at most 8 tags k=v, with commas: keys of " \
	"up to 32 of a-z, 0-9, '_', '-' and '.', each once; values of up to "  \
	"64 of those, capitals, ':', '/', '@' and '+'."

static bool
is_of(struct slice text, size_t max, const char *more)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') &&
		    (c == '\0' || strchr(more, c) == NULL))
			return false;
	}
	return text.len > 0 && text.len <= max;
}

static bool
is_tag(struct slice tag, struct slice *key)
{
	const char *at = tag.len > 0 ? memchr(tag.ptr, '=', tag.len) : NULL;

	if (at == NULL)
		return false;
	*key = slice_make(tag.ptr, (size_t)(at - tag.ptr));
	return is_of(*key, TAG_KEY_MAX, "_-.") &&
	       is_of(slice_after(tag, key->len + 1), TAG_VALUE_MAX,
		   "_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ:/@+");
}

static struct slice
trim(struct slice s)
{
	while (s.len > 0 && s.ptr[0] == ' ')
		s = slice_after(s, 1);
	while (s.len > 0 && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

/* Up to the next comma, which goes too. */
static struct slice
take_one(struct slice *rest)
{
	const char *comma = memchr(rest->ptr, ',', rest->len);
	struct slice one = *rest;

	if (comma != NULL)
		one.len = (size_t)(comma - rest->ptr);
	*rest = slice_after(*rest, comma != NULL ? one.len + 1 : one.len);
	return trim(one);
}

bool
tags_read(struct slice *tags, struct arena *arena, struct slice header,
    const char **why)
{
	struct slice rest = header, tag, keys[TAGS_MAX];
	const char *text = "";
	size_t count = 0, i;

	*tags = slice_of("");
	*why = WHY;
	rest = trim(rest);
	if (rest.len > 0 && rest.ptr[rest.len - 1] == ',')
		return false;
	while (rest.len > 0) {
		tag = take_one(&rest);
		if (count == TAGS_MAX || !is_tag(tag, &keys[count]))
			return false;
		for (i = 0; i < count; i++)
			if (slice_eq(keys[i], keys[count]))
				return false;
		text = arena_printf(arena, "%s%s%.*s", text,
		    count > 0 ? "," : "", SLICE_FMT(tag));
		count++;
	}
	*tags = slice_of(text);
	return true;
}
