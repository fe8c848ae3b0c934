/*
 * One block is open at a time (telling.current) and blocks are shown in the
 * order of their opening.  What comes for a later one waits in its text.  A
 * text or thinking block is shown with its first piece, since only then is it
 * known whether there is one, and whether it is redacted.
 */
#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/llm/usage.h"
#include "node/dialect/messages/messages.h"

#define INPUT_ARENA ((size_t)256 << 20)

static void
event_end(struct telling *t)
{
	buf_puts(t->out, "}\n\n");
}

static void
put_inside(struct buf *out, const char *key, struct slice inside)
{
	buf_puts(out, key);
	raw_put(out, inside);
}

static void
put_number(struct buf *out, const char *key, int64_t n)
{
	buf_puts(out, key);
	buf_put_int(out, n);
}

static void
put_usage(struct buf *out, const struct usage *u)
{
	put_number(out, ",\"usage\":{\"input_tokens\":", u->input_tokens);
	put_number(out, ",\"cache_creation_input_tokens\":", usage_written(u));
	put_number(out, ",\"cache_read_input_tokens\":", u->cache_read_tokens);
	put_number(out, ",\"cache_creation\":{\"ephemeral_5m_input_tokens\":",
	    u->cache_write_tokens);
	put_number(out,
	    ",\"ephemeral_1h_input_tokens\":", u->cache_write_1h_tokens);
	put_number(out, "},\"output_tokens\":", usage_output(u));
	put_number(out, ",\"output_tokens_details\":{\"thinking_tokens\":",
	    u->reasoning_tokens);
	buf_puts(out, "},\"server_tool_use\":null,\"service_tier\":null}");
}

/* A message up to its content. */
static void
put_head(struct telling *t)
{
	buf_puts(t->out, "\"id\":\"msg_");
	buf_puts(t->out, t->id);
	buf_puts(t->out, "\",\"type\":\"message\",\"role\":\"assistant\"");
	put_inside(t->out, ",\"model\":", t->model);
}

static const struct usage nothing_yet;

static void
start(struct telling *t)
{
	telling_event(t, "message_start");
	buf_puts(t->out, ",\"message\":{");
	put_head(t);
	buf_puts(t->out, ",\"content\":[],\"stop_reason\":null,"
			 "\"stop_sequence\":null");
	put_usage(t->out, &nothing_yet);
	buf_putc(t->out, '}');
	event_end(t);
	telling_event(t, "ping");
	event_end(t);
}

static bool
is_redacted(const struct told *b)
{
	return b->what == BLOCK_THINKING && b->blob_kind == BLOB_REDACTED;
}

/* An id of our own where the provider gave none. */
static void
put_call_head(struct telling *t, const struct told *b, unsigned place)
{
	buf_puts(t->out, "{\"type\":\"tool_use\"");
	if (b->id.len > 0)
		put_inside(t->out, ",\"id\":", b->id);
	else
		buf_printf(t->out, ",\"id\":\"toolu_%s_%u\"", t->id, place);
	put_inside(t->out, ",\"name\":", told_name(b));
	buf_puts(t->out, ",\"input\":");
}

static void
put_redacted(struct telling *t, const struct told *b)
{
	put_inside(t->out,
	    "{\"type\":\"redacted_thinking\",\"data\":", buf_slice(&b->blob));
	buf_putc(t->out, '}');
}

static void
delta_begin(struct telling *t, const char *name, const char *key)
{
	telling_event(t, "content_block_delta");
	put_number(t->out, ",\"index\":", t->places - 1);
	buf_puts(t->out, ",\"delta\":{\"type\":\"");
	buf_puts(t->out, name);
	buf_puts(t->out, "\",\"");
	buf_puts(t->out, key);
	buf_puts(t->out, "\":\"");
}

static void
delta_end(struct telling *t)
{
	buf_puts(t->out, "\"}");
	event_end(t);
}

static void
show(struct telling *t, struct told *b)
{
	if (b->shown)
		return;
	b->shown = true;
	b->place = t->places++;
	telling_event(t, "content_block_start");
	buf_printf(t->out, ",\"index\":%u,\"content_block\":", b->place);
	if (block_is_call(b->what)) {
		put_call_head(t, b, b->place);
		buf_puts(t->out, "{}}");
	} else if (is_redacted(b)) {
		put_redacted(t, b);
	} else if (b->what == BLOCK_THINKING) {
		buf_puts(t->out, "{\"type\":\"thinking\",\"thinking\":\"\","
				 "\"signature\":\"\"}");
	} else {
		buf_puts(t->out, "{\"type\":\"text\",\"text\":\"\"}");
	}
	event_end(t);
}

/* The inside of a string, as a piece of a string inside of that one. */
static void
put_twice(struct buf *out, struct slice inside)
{
	size_t i, from = 0;

	for (i = 0; i < inside.len; i++) {
		if (inside.ptr[i] != '\\' && inside.ptr[i] != '"')
			continue;
		buf_put(out, inside.ptr + from, i - from);
		buf_putc(out, '\\');
		from = i;
	}
	buf_put(out, inside.ptr + from, i - from);
}

#define WRAP_BEFORE "{\\\"input\\\":\\\""
#define WRAP_BEHIND "\\\"}"

static const struct {
	const char *name, *key;
} deltas[] = {
	[BLOCK_TEXT] = { "text_delta", "text" },
	[BLOCK_REFUSAL] = { "text_delta", "text" },
	[BLOCK_THINKING] = { "thinking_delta", "thinking" },
	[BLOCK_CALL] = { "input_json_delta", "partial_json" },
	[BLOCK_CUSTOM] = { "input_json_delta", "partial_json" },
};

static void
put_piece(struct telling *t, struct told *b, struct slice piece)
{
	bool custom = b->what == BLOCK_CUSTOM;

	if (piece.len == 0 || is_redacted(b))
		return;
	if (custom && !b->shown) {
		show(t, b);
		delta_begin(t, "input_json_delta", "partial_json");
		buf_puts(t->out, WRAP_BEFORE);
		delta_end(t);
	}
	show(t, b);
	delta_begin(t, deltas[b->what].name, deltas[b->what].key);
	if (custom)
		put_twice(t->out, piece);
	else
		buf_put_slice(t->out, piece);
	delta_end(t);
}

/* The end of the open block; one with nothing in it was never shown. */
static void
finish_block(struct telling *t, struct told *b)
{
	struct slice blob = buf_slice(&b->blob);
	bool begun = b->shown; /* of a custom call: with its first piece */

	if (block_is_call(b->what) || blob.len > 0)
		show(t, b);
	if (!b->shown)
		return;
	if (b->what == BLOCK_CUSTOM) {
		delta_begin(t, "input_json_delta", "partial_json");
		buf_puts(t->out, begun ? WRAP_BEHIND : WRAP_BEFORE WRAP_BEHIND);
		delta_end(t);
	} else if (b->what == BLOCK_THINKING && !is_redacted(b)) {
		delta_begin(t, "signature_delta", "signature");
		buf_put_slice(t->out, blob);
		delta_end(t);
	}
	telling_event(t, "content_block_stop");
	buf_printf(t->out, ",\"index\":%u", b->place);
	event_end(t);
}

static struct told *
current(const struct telling *t)
{
	return t->current < t->count ? t->blocks[t->current] : NULL;
}

static void
text(struct telling *t, struct told *b, struct slice piece)
{
	if (b == current(t))
		put_piece(t, b, piece);
	else
		buf_put_slice(&b->text, piece);
}

/*
 * Its turn has come: a call is shown at once, since its name says something,
 * and what has waited follows.  The text of a wrapped call is still a
 * wrapping; it comes when that is undone.
 */
static void
go_on(struct telling *t, struct told *b)
{
	if (b->wrapped)
		return;
	if (b->what == BLOCK_CALL)
		show(t, b);
	put_piece(t, b, buf_slice(&b->text));
	buf_reset(&b->text);
}

static void
open(struct telling *t, struct told *b)
{
	if (b == current(t))
		go_on(t, b);
}

static void
close(struct telling *t, struct told *b)
{
	if (b != current(t))
		return;
	while (b != NULL && !b->open) {
		finish_block(t, b);
		t->current++;
		b = current(t);
		if (b != NULL)
			go_on(t, b);
	}
}

static const char *const reasons[] = {
	[FINISH_STOP] = "end_turn",
	[FINISH_SEQUENCE] = "stop_sequence",
	[FINISH_LENGTH] = "max_tokens",
	[FINISH_CALLS] = "tool_use",
	[FINISH_FILTER] = "refusal",
	[FINISH_REFUSAL] = "refusal",
	[FINISH_PAUSE] = "pause_turn",
};

/*
 * Clients run the calls when the reason says so, and wait for the user when
 * it does not: so it has to agree with the content.
 */
static enum finish
finish_of(const struct telling *t)
{
	bool calls = false, refusal = false;
	unsigned i;

	for (i = 0; i < t->count; i++) {
		calls |= block_is_call(t->blocks[i]->what);
		refusal |=
		    t->blocks[i]->what == BLOCK_REFUSAL && t->blocks[i]->some;
	}
	if (t->finish == FINISH_CALLS && !calls)
		return FINISH_STOP;
	if (t->finish == FINISH_STOP && refusal)
		return FINISH_REFUSAL;
	return t->finish;
}

static void
put_reason(struct telling *t)
{
	enum finish finish = finish_of(t);

	buf_printf(t->out, "\"stop_reason\":\"%s\"", reasons[finish]);
	if (finish == FINISH_SEQUENCE && t->sequence.len > 0)
		put_inside(t->out, ",\"stop_sequence\":", t->sequence);
	else
		buf_puts(t->out, ",\"stop_sequence\":null");
}

static void
end(struct telling *t, const struct usage *usage)
{
	telling_event(t, "message_delta");
	buf_puts(t->out, ",\"delta\":{");
	put_reason(t);
	buf_putc(t->out, '}');
	put_usage(t->out, usage);
	event_end(t);
	telling_event(t, "message_stop");
	event_end(t);
}

/* The arguments, which are JSON inside of a string, as an object. */
static void
put_input(struct buf *out, const struct told *b)
{
	const struct json_value *root;
	struct json_error error;
	struct slice json;
	struct arena arena;
	struct buf raw;

	buf_init(&raw, b->text.len + 2);
	raw_put(&raw, buf_slice(&b->text));
	arena_init(&arena, INPUT_ARENA);
	root = b->what == BLOCK_CALL &&
		       json_raw_text(buf_slice(&raw), &arena, &json)
		   ? json_parse(&arena, json, &error)
		   : NULL;
	if (root != NULL && root->type == JSON_OBJECT) {
		buf_put_slice(out, root->raw);
	} else {
		buf_puts(out,
		    b->what == BLOCK_CALL ? "{\"_raw\":" : "{\"input\":");
		buf_put_slice(out, buf_slice(&raw));
		buf_putc(out, '}');
	}
	arena_fini(&arena);
	buf_fini(&raw);
}

static void
put_block(struct telling *t, const struct told *b, unsigned place)
{
	struct slice inside = buf_slice(&b->text);

	if (block_is_call(b->what)) {
		put_call_head(t, b, place);
		put_input(t->out, b);
	} else if (is_redacted(b)) {
		put_redacted(t, b);
		return;
	} else if (b->what == BLOCK_THINKING) {
		put_inside(t->out,
		    "{\"type\":\"thinking\",\"thinking\":", inside);
		put_inside(t->out, ",\"signature\":", buf_slice(&b->blob));
	} else {
		put_inside(t->out, "{\"type\":\"text\",\"text\":", inside);
	}
	buf_putc(t->out, '}');
}

static void
whole(struct telling *t, const struct usage *usage)
{
	unsigned i;

	buf_putc(t->out, '{');
	put_head(t);
	buf_puts(t->out, ",\"content\":[");
	for (i = 0; i < t->count; i++) {
		const struct told *b = t->blocks[i];

		if (!block_is_call(b->what) && b->text.len == 0 &&
		    b->blob.len == 0)
			continue;
		if (t->places > 0)
			buf_putc(t->out, ',');
		put_block(t, b, t->places++);
	}
	buf_puts(t->out, "],");
	put_reason(t);
	put_usage(t->out, usage);
	buf_putc(t->out, '}');
}

const struct caller_face messages_caller = {
	.dialect = DIALECT_MESSAGES,
	.read = messages_read,
	.start = start,
	.open = open,
	.text = text,
	.close = close,
	.end = end,
	.whole = whole,
};
