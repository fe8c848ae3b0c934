#include "node/trial/question.h"

#include "common/base/buf.h"
#include "common/format/json.h"
#include "node/trial/exhibit.h"
#include "node/trial/trial.h"

#define THINKING_TOKENS 1024 /* the least that Messages takes */

#define SCHEMA                                                                 \
	"{\"type\":\"object\",\"properties\":{\"colour\":{\"type\":\"string\"" \
	"},\"side\":{\"type\":\"integer\"}},\"required\":[\"colour\","         \
	"\"side\"],\"additionalProperties\":false}"
#define CITY_SCHEMA                                                            \
	"{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}" \
	",\"required\":[\"city\"],\"additionalProperties\":false}"

bool
question_can(const struct trial *trial, enum dialect dialect)
{
	if ((trial->asks & ASK_COUNT) != 0)
		return dialect == DIALECT_MESSAGES;
	return (trial->asks & ASK_AUDIO) == 0 || dialect != DIALECT_MESSAGES;
}

static void
raw(struct json_writer *w, const char *name, const char *json)
{
	json_key(w, name);
	json_put_raw(w, slice_of(json));
}

static void
text(struct json_writer *w, const char *name, const char *value)
{
	json_field_text(w, name, slice_of(value));
}

static void
open_object(struct json_writer *w, const char *name)
{
	json_key(w, name);
	json_open(w, '{');
}

/* Base64 needs no escapes. */
static void
data_url(struct json_writer *w, const char *name, const char *type,
    const char *base64)
{
	struct buf url;

	buf_init(&url, 64 * 1024);
	buf_printf(&url, "data:%s;base64,%s", type, base64);
	json_field_text(w, name, buf_slice(&url));
	buf_fini(&url);
}

static void
put_tone(struct json_writer *w)
{
	struct buf tone;

	buf_init(&tone, 64 * 1024);
	exhibit_put_tone(&tone);
	open_object(w, "input_audio");
	json_field_text(w, "data", buf_slice(&tone));
	text(w, "format", "wav");
	json_close(w, '}');
	buf_fini(&tone);
}

static void
put_typed(struct json_writer *w, const char *type)
{
	json_open(w, '{');
	text(w, "type", type);
}

static void
chat_exhibit(struct json_writer *w, unsigned asks)
{
	if ((asks & ASK_IMAGE) != 0) {
		put_typed(w, "image_url");
		open_object(w, "image_url");
		data_url(w, "url", "image/png", exhibit_picture);
		json_close(w, '}');
	} else if ((asks & ASK_DOCUMENT) != 0) {
		put_typed(w, "file");
		open_object(w, "file");
		text(w, "filename", "page.pdf");
		data_url(w, "file_data", "application/pdf", exhibit_page);
		json_close(w, '}');
	} else {
		put_typed(w, "input_audio");
		put_tone(w);
	}
	json_close(w, '}');
}

static void
responses_exhibit(struct json_writer *w, unsigned asks)
{
	if ((asks & ASK_IMAGE) != 0) {
		put_typed(w, "input_image");
		data_url(w, "image_url", "image/png", exhibit_picture);
	} else if ((asks & ASK_DOCUMENT) != 0) {
		put_typed(w, "input_file");
		text(w, "filename", "page.pdf");
		data_url(w, "file_data", "application/pdf", exhibit_page);
	} else {
		put_typed(w, "input_audio");
		put_tone(w);
	}
	json_close(w, '}');
}

static void
messages_exhibit(struct json_writer *w, unsigned asks)
{
	bool image = (asks & ASK_IMAGE) != 0;

	put_typed(w, image ? "image" : "document");
	open_object(w, "source");
	text(w, "type", "base64");
	text(w, "media_type", image ? "image/png" : "application/pdf");
	text(w, "data", image ? exhibit_picture : exhibit_page);
	json_close(w, '}');
	json_close(w, '}');
}

/* The one thing the user says, and what is put before the model with it. */
static void
put_prompt(struct json_writer *w, const struct question *q)
{
	static void (*const exhibits[DIALECTS])(struct json_writer *,
	    unsigned) = {
		[DIALECT_CHAT] = chat_exhibit,
		[DIALECT_RESPONSES] = responses_exhibit,
		[DIALECT_MESSAGES] = messages_exhibit,
	};
	const struct trial *t = q->trial;

	json_key(w, q->dialect == DIALECT_RESPONSES ? "input" : "messages");
	json_open(w, '[');
	json_open(w, '{');
	text(w, "role", "user");
	json_key(w, "content");
	json_open(w, '[');
	if ((t->asks & (ASK_IMAGE | ASK_DOCUMENT | ASK_AUDIO)) != 0)
		exhibits[q->dialect](w, t->asks);
	put_typed(w, q->dialect == DIALECT_RESPONSES ? "input_text" : "text");
	text(w, "text", t->prompt);
	json_close(w, '}');
	json_close(w, ']');
	json_close(w, '}');
	json_close(w, ']');
}

static void
put_tool(struct json_writer *w, enum dialect d, const char *name,
    const char *description)
{
	json_open(w, '{');
	if (d != DIALECT_MESSAGES)
		text(w, "type", "function");
	if (d == DIALECT_CHAT)
		open_object(w, "function");
	text(w, "name", name);
	text(w, "description", description);
	raw(w, d == DIALECT_MESSAGES ? "input_schema" : "parameters",
	    CITY_SCHEMA);
	if (d == DIALECT_CHAT)
		json_close(w, '}');
	json_close(w, '}');
}

static void
put_choice(struct json_writer *w, enum dialect d)
{
	open_object(w, "tool_choice");
	text(w, "type", d == DIALECT_MESSAGES ? "tool" : "function");
	if (d == DIALECT_CHAT)
		open_object(w, "function");
	text(w, "name", QUESTION_TOOL);
	if (d == DIALECT_CHAT)
		json_close(w, '}');
	json_close(w, '}');
}

static void
put_tools(struct json_writer *w, const struct question *q)
{
	unsigned asks = q->trial->asks;

	json_key(w, "tools");
	json_open(w, '[');
	put_tool(w, q->dialect, QUESTION_TOOL, "The weather in a city now.");
	if ((asks & ASK_PAIR) != 0)
		put_tool(w, q->dialect, QUESTION_TOOL_2,
		    "The local time in a city.");
	json_close(w, ']');
	if ((asks & ASK_FORCE) != 0)
		put_choice(w, q->dialect);
	if ((asks & ASK_PAIR) != 0 && q->dialect != DIALECT_MESSAGES)
		json_field_bool(w, "parallel_tool_calls", true);
}

static void
put_schema(struct json_writer *w, enum dialect d)
{
	if (d == DIALECT_RESPONSES)
		open_object(w, "text");
	else if (d == DIALECT_MESSAGES)
		open_object(w, "output_config");
	open_object(w, d == DIALECT_CHAT ? "response_format" : "format");
	text(w, "type", "json_schema");
	if (d == DIALECT_CHAT)
		open_object(w, "json_schema");
	if (d != DIALECT_MESSAGES) {
		text(w, "name", "square");
		json_field_bool(w, "strict", true);
	}
	raw(w, "schema", SCHEMA);
	if (d == DIALECT_CHAT)
		json_close(w, '}');
	json_close(w, '}');
	if (d != DIALECT_CHAT)
		json_close(w, '}');
}

static void
put_reasoning(struct json_writer *w, enum dialect d)
{
	switch (d) {
	case DIALECT_RESPONSES:
		raw(w, "reasoning", "{\"effort\":\"medium\"}");
		break;
	case DIALECT_MESSAGES:
		open_object(w, "thinking");
		text(w, "type", "enabled");
		json_field_int(w, "budget_tokens", THINKING_TOKENS);
		json_close(w, '}');
		break;
	default:
		text(w, "reasoning_effort", "medium");
	}
}

static void
put_cap(struct json_writer *w, const struct question *q)
{
	const char *key = q->dialect == DIALECT_CHAT ? q->cap_key
			  : q->dialect == DIALECT_RESPONSES
			      ? "max_output_tokens"
			      : "max_tokens";

	json_field_int(w, key,
	    (q->trial->asks & ASK_LITTLE) != 0 ? TRIAL_LITTLE_TOKENS
					       : TRIAL_CAP_TOKENS);
}

void
question_write(struct buf *out, const struct question *q)
{
	struct json_writer w = { .out = out };
	unsigned asks = q->trial->asks;

	json_open(&w, '{');
	json_field_text(&w, "model", q->model);
	if ((asks & ASK_COUNT) == 0)
		put_cap(&w, q);
	if ((asks & ASK_STREAM) != 0)
		json_field_bool(&w, "stream", true);
	if ((asks & ASK_STREAM) != 0 && q->dialect == DIALECT_CHAT)
		raw(&w, "stream_options", "{\"include_usage\":true}");
	if (q->dialect == DIALECT_RESPONSES)
		json_field_bool(&w, "store", false);
	put_prompt(&w, q);
	if ((asks & ASK_TOOL) != 0)
		put_tools(&w, q);
	if ((asks & ASK_SCHEMA) != 0)
		put_schema(&w, q->dialect);
	if ((asks & ASK_REASON) != 0)
		put_reasoning(&w, q->dialect);
	json_close(&w, '}');
}
