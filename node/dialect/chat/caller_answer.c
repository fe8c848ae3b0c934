#include "common/format/json.h"
#include "node/dialect/chat/chat.h"

/*
 * Chunks: one with the role, then deltas, one with the finish reason, one
 * with usage if it was asked for, and the marker.  Calls are numbered among
 * themselves (told.place).
 */

static const char *const finish_words[] = {
	[FINISH_STOP] = "stop",
	[FINISH_SEQUENCE] = "stop",
	[FINISH_LENGTH] = "length",
	[FINISH_CALLS] = "tool_calls",
	[FINISH_FILTER] = "content_filter",
	[FINISH_REFUSAL] = "content_filter",
	[FINISH_PAUSE] = "stop",
};

/* Who refuses in words of its own stops; who only stops was stopped. */
static const char *
finish_word(const struct telling *t)
{
	if (t->finish == FINISH_REFUSAL && telling_has(t, BLOCK_REFUSAL))
		return finish_words[FINISH_STOP];
	return finish_words[t->finish];
}

/* Up to the choices, which follow. */
static void
put_head(struct telling *t, const char *object)
{
	buf_puts(t->out, "{\"id\":\"chatcmpl-");
	buf_puts(t->out, t->id);
	buf_puts(t->out, "\",\"object\":\"");
	buf_puts(t->out, object);
	buf_puts(t->out, "\",\"created\":");
	buf_put_int(t->out, t->created_s);
	buf_puts(t->out, ",\"model\":");
	raw_put(t->out, t->model);
}

static void
begin_chunk(struct telling *t)
{
	buf_puts(t->out, "data: ");
	put_head(t, "chat.completion.chunk");
	buf_puts(t->out, ",\"choices\":[{\"index\":0,\"delta\":{");
}

static void
end_chunk(struct telling *t, const char *finish)
{
	buf_puts(t->out, "},\"logprobs\":null,\"finish_reason\":");
	if (finish != NULL)
		buf_printf(t->out, "\"%s\"", finish);
	else
		buf_puts(t->out, "null");
	buf_puts(t->out, t->wants_usage ? "}],\"usage\":null}\n\n" : "}]}\n\n");
}

static void
start(struct telling *t)
{
	begin_chunk(t);
	buf_puts(t->out,
	    "\"role\":\"assistant\",\"content\":\"\",\"refusal\":null");
	end_chunk(t, NULL);
}

static const char *
call_type(const struct told *b)
{
	return b->what == BLOCK_CUSTOM ? "custom" : "function";
}

static const char *
call_text(const struct told *b)
{
	return b->what == BLOCK_CUSTOM ? "input" : "arguments";
}

static void
open(struct telling *t, struct told *b)
{
	if (!block_is_call(b->what))
		return;
	b->place = t->places++;
	begin_chunk(t);
	buf_printf(t->out, "\"tool_calls\":[{\"index\":%u,\"id\":", b->place);
	raw_put(t->out, b->id);
	buf_printf(t->out, ",\"type\":\"%s\",\"%s\":{\"name\":", call_type(b),
	    call_type(b));
	raw_put(t->out, told_name(b));
	buf_printf(t->out, ",\"%s\":\"\"}}]", call_text(b));
	end_chunk(t, NULL);
}

static void
text(struct telling *t, struct told *b, struct slice inside)
{
	begin_chunk(t);
	switch (b->what) {
	case BLOCK_TEXT:
		buf_puts(t->out, "\"content\":");
		break;
	case BLOCK_REFUSAL:
		buf_puts(t->out, "\"refusal\":");
		break;
	case BLOCK_THINKING:
		buf_puts(t->out, "\"reasoning_content\":");
		break;
	case BLOCK_CALL:
	case BLOCK_CUSTOM:
		buf_printf(t->out,
		    "\"tool_calls\":[{\"index\":%u,\"%s\":{\"%s\":", b->place,
		    call_type(b), call_text(b));
		break;
	}
	raw_put(t->out, inside);
	if (block_is_call(b->what))
		buf_puts(t->out, "}}]");
	end_chunk(t, NULL);
}

static void
close(struct telling *t, struct told *b)
{
	(void)t;
	(void)b;
}

/* Cached and reasoning tokens are part of the sums here. */
static void
put_usage(struct buf *out, const struct usage *u)
{
	struct json_writer w = { .out = out };
	int64_t in = usage_input(u), made = usage_output(u);

	json_open(&w, '{');
	json_field_int(&w, "prompt_tokens", in);
	json_field_int(&w, "completion_tokens", made);
	json_field_int(&w, "total_tokens", in + made);
	json_key(&w, "prompt_tokens_details");
	json_open(&w, '{');
	json_field_int(&w, "cached_tokens", u->cache_read_tokens);
	json_field_int(&w, "cache_write_tokens", usage_written(u));
	json_field_int(&w, "audio_tokens", 0);
	json_close(&w, '}');
	json_key(&w, "completion_tokens_details");
	json_open(&w, '{');
	json_field_int(&w, "reasoning_tokens", u->reasoning_tokens);
	json_field_int(&w, "audio_tokens", 0);
	json_field_int(&w, "accepted_prediction_tokens", 0);
	json_field_int(&w, "rejected_prediction_tokens", 0);
	json_close(&w, '}');
	json_close(&w, '}');
}

static void
end(struct telling *t, const struct usage *usage)
{
	begin_chunk(t);
	end_chunk(t, finish_word(t));
	if (t->wants_usage) {
		buf_puts(t->out, "data: ");
		put_head(t, "chat.completion.chunk");
		buf_puts(t->out, ",\"choices\":[],\"usage\":");
		put_usage(t->out, usage);
		buf_puts(t->out, "}\n\n");
	}
	buf_puts(t->out, "data: [DONE]\n\n");
}

/* Neither words nor calls. */
static bool
is_mute(const struct telling *t)
{
	return !telling_has(t, BLOCK_TEXT) && !telling_has(t, BLOCK_REFUSAL) &&
	       !telling_has(t, BLOCK_CALL) && !telling_has(t, BLOCK_CUSTOM);
}

/*
 * All text of one kind as one string, or null when there is none: but an
 * answer of nothing at all is an empty text, for clients that read it so.
 */
static void
put_texts(struct telling *t, enum block_kind what)
{
	bool some = false;
	unsigned i;

	for (i = 0; i < t->count; i++) {
		if (t->blocks[i]->what != what)
			continue;
		if (!some)
			buf_putc(t->out, '"');
		some = true;
		buf_put_slice(t->out, buf_slice(&t->blocks[i]->text));
	}
	buf_puts(t->out, some                               ? "\""
			 : what == BLOCK_TEXT && is_mute(t) ? "\"\""
							    : "null");
}

static void
put_calls(struct telling *t)
{
	const char *before = ",\"tool_calls\":[";
	const struct told *b;
	unsigned i;

	for (i = 0; i < t->count; i++) {
		b = t->blocks[i];
		if (!block_is_call(b->what))
			continue;
		buf_puts(t->out, before);
		before = ",";
		buf_puts(t->out, "{\"id\":");
		raw_put(t->out, b->id);
		buf_printf(t->out,
		    ",\"type\":\"%s\",\"%s\":{\"name\":", call_type(b),
		    call_type(b));
		raw_put(t->out, told_name(b));
		buf_printf(t->out, ",\"%s\":", call_text(b));
		raw_put(t->out, buf_slice(&b->text));
		buf_puts(t->out, "}}");
	}
	if (*before == ',' && before[1] == '\0')
		buf_putc(t->out, ']');
}

static void
whole(struct telling *t, const struct usage *usage)
{
	put_head(t, "chat.completion");
	buf_puts(t->out, ",\"choices\":[{\"index\":0,\"message\":{"
			 "\"role\":\"assistant\",\"content\":");
	put_texts(t, BLOCK_TEXT);
	buf_puts(t->out, ",\"refusal\":");
	put_texts(t, BLOCK_REFUSAL);
	if (telling_has(t, BLOCK_THINKING)) {
		buf_puts(t->out, ",\"reasoning_content\":");
		put_texts(t, BLOCK_THINKING);
	}
	put_calls(t);
	buf_printf(t->out,
	    "},\"logprobs\":null,\"finish_reason\":\"%s\"}],\"usage\":",
	    finish_word(t));
	put_usage(t->out, usage);
	buf_putc(t->out, '}');
}

const struct caller_face chat_caller = {
	.dialect = DIALECT_CHAT,
	.keeps_text = false,
	.read = chat_read,
	.start = start,
	.open = open,
	.text = text,
	.close = close,
	.end = end,
	.whole = whole,
};
