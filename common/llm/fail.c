#include "common/llm/fail.h"

#include <assert.h>

#include "common/base/buf.h"
#include "common/format/json.h"
#include "common/format/sse.h"

#define BODY_BYTES_MAX 16384

static const struct row {
	const char *name, *type, *code, *messages_type, *text;
	int status, messages_status;
	bool retryable;
} table[FAIL_COUNT] = {
	[FAIL_NONE] = { "", "", "", "", "", 200, 200, false },
#define FAIL(id, said, http, again, type, code, m_http, m_type, what)          \
	[FAIL_##id] = { said, type, code, m_type, what, http, m_http, again },
#include "common/llm/fail.def"
#undef FAIL
};

const char *
fail_name(enum fail f)
{
	return table[f].name;
}

int
fail_status(enum fail f, enum dialect caller)
{
	return caller == DIALECT_MESSAGES ? table[f].messages_status
					  : table[f].status;
}

bool
fail_retryable(enum fail f)
{
	return table[f].retryable;
}

const char *
fail_text(enum fail f)
{
	return table[f].text;
}

const char *
fail_type(enum fail f, enum dialect caller)
{
	return caller == DIALECT_MESSAGES ? table[f].messages_type
					  : table[f].type;
}

const char *
fail_code(enum fail f)
{
	return table[f].code;
}

enum fail
fail_by_name(struct slice name)
{
	size_t i;

	for (i = 1; i < FAIL_COUNT; i++)
		if (slice_is(name, table[i].name))
			return (enum fail)i;
	return FAIL_NONE;
}

static void
put_or_null(struct json_writer *w, const char *name, struct slice text)
{
	json_key(w, name);
	if (text.len > 0)
		json_put_text(w, text);
	else
		json_put_null(w);
}

void
fail_write(struct buf *out, enum dialect dialect,
    const struct error_words *words, struct slice request_id)
{
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	if (dialect == DIALECT_MESSAGES)
		json_field_text(&w, "type", slice_of("error"));
	json_key(&w, "error");
	json_open(&w, '{');
	json_field_text(&w, "message", words->message);
	json_field_text(&w, "type", words->type);
	if (dialect != DIALECT_MESSAGES) {
		put_or_null(&w, "param", words->param);
		put_or_null(&w, "code", words->code);
	} else if (words->error_code.len > 0) {
		json_key(&w, "details");
		json_open(&w, '{');
		json_field_text(&w, "error_code", words->error_code);
		json_close(&w, '}');
	}
	json_close(&w, '}');
	if (request_id.len > 0)
		json_field_text(&w, "request_id", request_id);
	json_close(&w, '}');
}

/* Clients of Responses act on the code: any other ends in a retry. */
static struct slice
stream_code(struct slice code)
{
	return code.len > 0 ? code : slice_of("server_error");
}

/* The last event of a Responses stream tells inside the response. */
static void
put_failed_response(struct buf *out, const struct error_words *words,
    const struct fail_place *place)
{
	struct json_writer w = { .out = out };

	json_open(&w, '{');
	json_field_text(&w, "type", slice_of("response.failed"));
	json_field_int(&w, "sequence_number", place->sequence);
	json_key(&w, "response");
	json_open(&w, '{');
	json_field_text(&w, "id", place->response_id);
	json_field_text(&w, "object", slice_of("response"));
	json_field_int(&w, "created_at", place->created_at);
	json_field_text(&w, "status", slice_of("failed"));
	json_key(&w, "error");
	json_open(&w, '{');
	json_field_text(&w, "code", stream_code(words->code));
	json_field_text(&w, "message", words->message);
	json_close(&w, '}');
	put_or_null(&w, "incomplete_details", slice_of(""));
	json_field_text(&w, "model", place->model);
	json_key(&w, "output");
	json_open(&w, '[');
	json_close(&w, ']');
	put_or_null(&w, "usage", slice_of(""));
	json_close(&w, '}');
	json_close(&w, '}');
}

void
fail_write_event(struct buf *out, enum dialect dialect,
    const struct error_words *words, const struct fail_place *place)
{
	static const char *const names[DIALECTS] = {
		[DIALECT_CHAT] = "",
		[DIALECT_RESPONSES] = "response.failed",
		[DIALECT_MESSAGES] = "error",
	};
	struct buf body;

	buf_init(&body, 8 * BODY_BYTES_MAX);
	if (dialect == DIALECT_RESPONSES)
		put_failed_response(&body, words, place);
	else
		fail_write(&body, dialect, words, place->request_id);
	sse_write(out, slice_of(names[dialect]), buf_slice(&body));
	buf_fini(&body);
}

/*
 * The table's words; the message is built in `message`.  A client that leaves
 * its conversation with the provider sends all of it when this code tells it.
 */
static struct error_words
words_of(struct buf *message, enum dialect dialect, enum fail f,
    struct slice detail)
{
	const struct row *row = &table[f];

	assert(f > FAIL_NONE && f < FAIL_COUNT);
	buf_puts(message, row->text);
	if (detail.len > 0) {
		buf_putc(message, ' ');
		buf_put_slice(message, detail);
	}
	return (struct error_words){ .message = buf_slice(message),
		.type = slice_of(fail_type(f, dialect)),
		.code = slice_of(row->code),
		.error_code = slice_of(f == FAIL_THREAD_NOT_SERVED
					   ? "thread_unsupported_request"
					   : "") };
}

void
fail_body(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, struct slice request_id)
{
	struct error_words words;
	struct buf message;

	buf_init(&message, BODY_BYTES_MAX);
	words = words_of(&message, dialect, f, detail);
	fail_write(out, dialect, &words, request_id);
	buf_fini(&message);
}

void
fail_event(struct buf *out, enum dialect dialect, enum fail f,
    struct slice detail, const struct fail_place *place)
{
	struct error_words words;
	struct buf message;

	buf_init(&message, BODY_BYTES_MAX);
	words = words_of(&message, dialect, f, detail);
	fail_write_event(out, dialect, &words, place);
	buf_fini(&message);
}
