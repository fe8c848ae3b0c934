#include "common/llm/own.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/format/json.h"

/*
 * Edits come in any order and must be spliced in order of place, so each is
 * first noted: the bytes of the body that go (none for an addition) and the
 * text that comes.
 */
struct edit {
	const char *from, *to;
	struct slice text;
};

#define EDITS_MAX 8

struct edits {
	const struct json_index *body;
	struct arena *arena;
	struct edit list[EDITS_MAX];
	size_t count;
};

_Static_assert(2 * EDITS_MAX + 1 <= SPLICE_MAX, "every edit has its parts");

/* Keeps the list in order of place; of two in one place the older is first. */
static void
add_edit(struct edits *e, const char *from, const char *to, const char *text)
{
	size_t i = e->count++;

	assert(e->count <= EDITS_MAX);
	for (; i > 0 && e->list[i - 1].from > from; i--)
		e->list[i] = e->list[i - 1];
	e->list[i] = (struct edit){ from, to, slice_of(text) };
}

static void
replace(struct edits *e, struct slice raw, const char *text)
{
	add_edit(e, raw.ptr, raw.ptr + raw.len, text);
}

/* Put a member behind the last one of an object that has any. */
static void
append(struct edits *e, const struct json_index *object, const char *text)
{
	struct slice last = object->members[object->count - 1].raw;

	add_edit(e, last.ptr + last.len, last.ptr + last.len, text);
}

/* Give `key` that value, in place of the null it has or as a new member. */
static void
set(struct edits *e, const char *key, const char *value)
{
	const struct json_member *m = json_index_find(e->body, key);

	if (m != NULL)
		replace(e, m->raw, value);
	else
		append(e, e->body,
		    arena_printf(e->arena, ",\"%s\":%s", key, value));
}

/* The member, or NULL when it is not there or null. */
static const struct json_member *
find(const struct json_index *object, const char *name)
{
	const struct json_member *m = json_index_find(object, name);

	return m != NULL && m->type != JSON_NULL ? m : NULL;
}

static const char *
quoted(struct arena *arena, struct slice text)
{
	struct buf b;
	const char *copy;

	buf_init(&b, 6 * text.len + 2);
	json_put_text(&(struct json_writer){ .out = &b }, text);
	assert(!b.failed);
	copy = arena_text(arena, buf_slice(&b));
	buf_fini(&b);
	return copy;
}

static bool
own_model(struct edits *e, struct slice wanted, const char **why)
{
	const struct json_member *m = find(e->body, "model");
	struct slice model;

	*why = "model must be a string";
	if (m == NULL || m->raw.len > MODEL_BYTES_MAX ||
	    !json_raw_text(m->raw, e->arena, &model))
		return false;
	if (!slice_eq(model, wanted))
		replace(e, m->raw, quoted(e->arena, wanted));
	return true;
}

/* Lower a caller's cap to ours; *there tells whether it had one. */
static bool
lower_cap(struct edits *e, const char *key, int64_t cap, bool *there)
{
	const struct json_member *m = find(e->body, key);
	int64_t n;

	if (m == NULL)
		return true;
	if (!json_raw_int(m->raw, &n) || n < 1)
		return false;
	*there = true;
	if (cap > 0 && n > cap)
		replace(e, m->raw,
		    arena_printf(e->arena, "%lld", (long long)cap));
	return true;
}

static bool
own_cap(struct edits *e, const struct own_terms *terms, const char **why)
{
	bool there = false;

	*why = "max_tokens must be a positive integer";
	if (!lower_cap(e, "max_tokens", terms->output_cap, &there))
		return false;
	*why = "max_completion_tokens must be a positive integer";
	if (!lower_cap(e, "max_completion_tokens", terms->output_cap, &there))
		return false;
	if (!there && terms->output_cap > 0 && terms->cap_key != NULL)
		set(e, terms->cap_key,
		    arena_printf(e->arena, "%lld",
			(long long)terms->output_cap));
	return true;
}

static bool
include_usage(struct edits *e, const char **why)
{
	const struct json_member *m = find(e->body, "stream_options"), *flag;
	struct json_index options;
	struct json_error error;

	if (m == NULL) {
		set(e, "stream_options", "{\"include_usage\":true}");
		return true;
	}
	*why = "stream_options must be an object";
	if (!json_index(&options, e->arena, m->raw, &error))
		return false;
	flag = json_index_find(&options, "include_usage");
	*why = "stream_options.include_usage must be true or false";
	if (flag == NULL && options.count == 0)
		replace(e, m->raw, "{\"include_usage\":true}");
	else if (flag == NULL)
		append(e, &options, ",\"include_usage\":true");
	else if (flag->type == JSON_FALSE || flag->type == JSON_NULL)
		replace(e, flag->raw, "true");
	else
		return flag->type == JSON_TRUE;
	return true;
}

static bool
own_stream(struct edits *e, const struct own_terms *terms, const char **why)
{
	const struct json_member *m = find(e->body, "stream");
	bool stream = m != NULL && m->type == JSON_TRUE;

	*why = "stream must be true or false";
	if (m != NULL && m->type != JSON_TRUE && m->type != JSON_FALSE)
		return false;
	*why = "stream does not agree with what was asked for";
	if (stream != terms->stream)
		return false;
	return !stream || !terms->usage_in_stream || include_usage(e, why);
}

static void
add_part(struct splice *out, const char *from, size_t len)
{
	if (len == 0)
		return;
	out->parts[out->count++] = slice_make(from, len);
	out->bytes += len;
}

static void
splice(struct splice *out, const struct edits *e)
{
	struct slice text = e->body->text;
	const char *at = text.ptr;
	size_t i;

	*out = (struct splice){ .changes = (unsigned)e->count };
	for (i = 0; i < e->count; i++) {
		const struct edit *edit = &e->list[i];

		add_part(out, at, (size_t)(edit->from - at));
		add_part(out, edit->text.ptr, edit->text.len);
		at = edit->to;
	}
	add_part(out, at, (size_t)(text.ptr + text.len - at));
}

bool
own_chat(struct splice *out, struct arena *arena, const struct json_index *body,
    const struct own_terms *terms, const char **why)
{
	struct edits e = { .body = body, .arena = arena };

	if (!own_model(&e, terms->model, why) || !own_cap(&e, terms, why) ||
	    !own_stream(&e, terms, why))
		return false;
	*why = NULL;
	splice(out, &e);
	return true;
}
