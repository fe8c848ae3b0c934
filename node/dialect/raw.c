#include "node/dialect/raw.h"

#include "common/base/buf.h"
#include "common/format/json.h"

struct slice
raw_of(const struct json_value *object, const char *name)
{
	const struct json_value *v = json_find(object, name);

	if (v == NULL || v->type == JSON_NULL)
		return slice_make(NULL, 0);
	return v->raw;
}

bool
raw_is(struct slice raw, const char *text)
{
	size_t len = strlen(text);

	return raw.len == len + 2 && raw.ptr[0] == '"' &&
	       memcmp(raw.ptr + 1, text, len) == 0;
}

struct slice
raw_inside(struct slice raw)
{
	if (raw.len < 2 || raw.ptr[0] != '"')
		return slice_make(NULL, 0);
	return slice_make(raw.ptr + 1, raw.len - 2);
}

struct slice
inside_of(const struct json_value *v)
{
	if (v == NULL || v->type != JSON_STRING)
		return slice_make(NULL, 0);
	return raw_inside(v->raw);
}

int64_t
number_of(const struct json_value *v, int64_t otherwise)
{
	int64_t n;

	return json_int(v, &n) ? n : otherwise;
}

bool
value_is(const struct json_value *v, const char *text)
{
	return v != NULL && v->type == JSON_STRING && raw_is(v->raw, text);
}

bool
is_text(const struct json_value *v)
{
	return v != NULL && v->type == JSON_STRING;
}

bool
is_object(const struct json_value *v)
{
	return v != NULL && v->type == JSON_OBJECT;
}

void
raw_put(struct buf *out, struct slice inside)
{
	buf_putc(out, '"');
	buf_put_slice(out, inside);
	buf_putc(out, '"');
}
