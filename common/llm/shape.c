#include "common/llm/shape.h"

#include "common/base/arena.h"
#include "common/format/json.h"

#define CHOICES_MAX      128
#define BYTES_A_TOKEN    4
#define TOKENS_A_FILE    1500 /* an image or a file inside a message */
#define INLINE_FILE_MARK ";base64,"

/* The member, or NULL when it is not there or null. */
static const struct json_member *
find(const struct json_index *body, const char *name)
{
	const struct json_member *m = json_index_find(body, name);

	return m != NULL && m->type != JSON_NULL ? m : NULL;
}

static bool
read_bool(const struct json_index *body, const char *name, bool *value)
{
	const struct json_member *m = find(body, name);

	*value = m != NULL && m->type == JSON_TRUE;
	return m == NULL || m->type == JSON_TRUE || m->type == JSON_FALSE;
}

/* An integer from 1 to max, if it is there; else *value stays. */
static bool
read_count(const struct json_index *body, const char *name, int64_t max,
    int64_t *value)
{
	const struct json_member *m = find(body, name);
	int64_t n;

	if (m == NULL)
		return true;
	if (!json_raw_int(m->raw, &n) || n < 1 || n > max)
		return false;
	*value = n;
	return true;
}

/* Both fields mean the same; of two, the larger is what could be spent. */
static bool
read_cap(struct shape *shape, const struct json_index *body, const char **why)
{
	int64_t older = 0, newer = 0;

	*why = "max_tokens must be a positive integer";
	if (!read_count(body, "max_tokens", INT64_MAX, &older))
		return false;
	*why = "max_completion_tokens must be a positive integer";
	if (!read_count(body, "max_completion_tokens", INT64_MAX, &newer))
		return false;
	shape->output_cap = max_i64(older, newer);
	return true;
}

static bool
read_stream(struct shape *shape, struct arena *arena,
    const struct json_index *body, const char **why)
{
	const struct json_member *m = find(body, "stream_options");
	struct json_index options;
	struct json_error error;

	*why = "stream must be true or false";
	if (!read_bool(body, "stream", &shape->stream))
		return false;
	if (m == NULL)
		return true;
	*why = "stream_options must be an object";
	if (!json_index(&options, arena, m->raw, &error))
		return false;
	*why = "stream_options.include_usage must be true or false";
	return read_bool(&options, "include_usage", &shape->wants_usage);
}

/* "[]" and nothing else has nothing but space between its brackets. */
static bool
is_empty_array(struct slice raw)
{
	size_t i = 1;

	while (strchr(" \t\r\n", raw.ptr[i]) != NULL)
		i++;
	return raw.ptr[i] == ']';
}

/* An array with something in it; *some stays when it is absent or empty. */
static bool
read_list(const struct json_index *body, const char *name, bool *some)
{
	const struct json_member *m = find(body, name);

	if (m == NULL)
		return true;
	if (m->type != JSON_ARRAY)
		return false;
	*some = *some || !is_empty_array(m->raw);
	return true;
}

/* Base64 is not text: each inline file counts as a constant instead. */
static int64_t
estimate(struct slice text)
{
	const char *at = text.ptr, *end = text.ptr + text.len, *mark, *close;
	int64_t bytes = 0, files = 0;

	while ((mark = memmem(at, (size_t)(end - at), INLINE_FILE_MARK,
		    sizeof(INLINE_FILE_MARK) - 1)) != NULL) {
		bytes += mark - at;
		close = memchr(mark, '"', (size_t)(end - mark));
		at = close != NULL ? close : end;
		files++;
	}
	bytes += end - at;
	return (bytes + BYTES_A_TOKEN - 1) / BYTES_A_TOKEN +
	       files * TOKENS_A_FILE;
}

bool
shape_of_chat(struct shape *shape, struct arena *arena,
    const struct json_index *body, const char **why)
{
	const struct json_member *model = find(body, "model");
	bool messages = false;

	*shape = (struct shape){ .dialect = DIALECT_CHAT, .choices = 1 };
	*why = "model must be a string that names a model group";
	if (model == NULL || model->raw.len > MODEL_BYTES_MAX ||
	    !json_raw_text(model->raw, arena, &shape->model) ||
	    shape->model.len == 0)
		return false;
	*why = "messages must be an array with at least one message";
	if (!read_list(body, "messages", &messages) || !messages)
		return false;
	if (!read_stream(shape, arena, body, why) ||
	    !read_cap(shape, body, why))
		return false;
	*why = "n must be an integer from 1 to 128";
	if (!read_count(body, "n", CHOICES_MAX, &shape->choices))
		return false;
	*why = "tools must be an array";
	if (!read_list(body, "tools", &shape->tools))
		return false;
	*why = "functions must be an array";
	if (!read_list(body, "functions", &shape->tools))
		return false;
	*why = NULL;
	shape->input_estimate_tokens = estimate(body->text);
	return true;
}
