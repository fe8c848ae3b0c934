/*
 * Anthropic Messages: named events; parts are content blocks, one open at a
 * time.  Its input_tokens are those that no cache was read or written for.
 */
#include <string.h>

#include "tests/sim/dialect.h"

/* finish words, as Chat spells them. */
static const struct {
	const char *word, *reason;
} reasons[] = {
	{ "stop", "end_turn" },
	{ "length", "max_tokens" },
	{ "content_filter", "refusal" },
	{ "tool_calls", "tool_use" },
};

/* Why it stops when the script does not say. */
static const char *
own_reason(const struct reply *r)
{
	if (reply_has(r, PART_REFUSAL))
		return "refusal";
	return reply_has(r, PART_CALL) ? "tool_use" : "end_turn";
}

/* A word that is none of Chat's stands for itself. */
static const char *
stop_reason(const struct reply *r)
{
	const char *word = r->script->finish;
	size_t i;

	if (!*word)
		return own_reason(r);
	for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (!strcmp(reasons[i].word, word))
			return reasons[i].reason;
	return word;
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void
put_usage(struct text *out, const struct reply *r, uint64_t output)
{
	const struct script *s = r->script;
	uint64_t written = s->cache_write + s->cache_write_1h;

	if (reply_without_usage(r))
		return;
	text_form(out,
	    ",\"usage\":{\"input_tokens\":%lu,"
	    "\"cache_creation_input_tokens\":%lu,"
	    "\"cache_read_input_tokens\":%lu,"
	    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":%lu,"
	    "\"ephemeral_1h_input_tokens\":%lu},"
	    "\"output_tokens\":%lu,\"service_tier\":\"standard\"}",
	    less(s->prompt, s->cached + written), written, s->cached,
	    s->cache_write, s->cache_write_1h, output);
}

static void
put_message(struct text *out, const struct reply *r)
{
	text_form(out,
	    "{\"id\":\"msg_sim%lu\",\"type\":\"message\","
	    "\"role\":\"assistant\",\"model\":\"%s\",\"content\":[",
	    r->n, r->model);
}

/* How a kind of part is spelt. */
static const struct kind {
	const char *type, *key;        /* of the block and its words */
	const char *delta, *delta_key; /* of a piece of them */
} kinds[] = {
	[PART_THOUGHT] = { "thinking", "thinking", "thinking_delta",
	    "thinking" },
	[PART_TEXT] = { "text", "text", "text_delta", "text" },
	[PART_REFUSAL] = { "text", "text", "text_delta", "text" },
	[PART_CALL] = { "tool_use", "input", "input_json_delta",
	    "partial_json" },
};

/* Its input is no string: the arguments as they are, at first none. */
static void
put_call(struct text *out, const struct reply *r, const struct part *p)
{
	const struct script_call *call = reply_call(r, p);

	text_form(out,
	    "{\"type\":\"tool_use\",\"id\":\"toolu_sim%lu_%u\","
	    "\"name\":\"%s\",\"input\":",
	    r->n, p->call, call->name);
	if (p->closed && call->len)
		text_add(out, r->script->arguments + call->from, call->len);
	else
		text_str(out, "{}");
	text_str(out, "}");
}

static void
put_block(struct text *out, const struct reply *r, const struct part *p)
{
	const struct kind *k = &kinds[p->kind];

	if (p->kind == PART_CALL) {
		put_call(out, r, p);
		return;
	}
	text_form(out, "{\"type\":\"%s\",\"%s\":\"", k->type, k->key);
	if (p->closed)
		reply_whole(out, r, p);
	if (p->kind == PART_THOUGHT)
		text_str(out, "\",\"signature\":\"");
	if (p->kind == PART_THOUGHT && p->closed)
		reply_blob(out, r);
	text_str(out, "\"}");
}

static void
put_stop(struct text *out, const struct reply *r)
{
	text_form(out, "\"stop_reason\":\"%s\",\"stop_sequence\":null",
	    stop_reason(r));
	if (reply_has(r, PART_REFUSAL))
		text_str(out, ",\"stop_details\":{\"type\":\"refusal\","
			      "\"category\":null,\"explanation\":null}");
}

static void
write_answer(struct text *out, const struct reply *r)
{
	struct part whole;
	unsigned i;

	put_message(out, r);
	for (i = 0; i < r->count; i++) {
		whole = r->parts[i];
		whole.closed = true;
		text_str(out, i ? "," : "");
		put_block(out, r, &whole);
	}
	text_str(out, "],");
	put_stop(out, r);
	put_usage(out, r, reply_completion(r));
	text_str(out, "}");
}

static void
write_count(struct text *out, const struct reply *r)
{
	text_form(out, "{\"input_tokens\":%lu}", r->script->prompt);
}

static void
start_event(struct text *out, const char *type)
{
	text_form(out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static void
end_event(struct text *out)
{
	text_str(out, "}\n\n");
}

static void
write_ping(struct text *out, struct reply *r)
{
	(void)r;
	start_event(out, "ping");
	end_event(out);
}

static void
write_begin(struct text *out, struct reply *r)
{
	start_event(out, "message_start");
	text_str(out, ",\"message\":");
	put_message(out, r);
	text_str(out, "],\"stop_reason\":null,\"stop_sequence\":null");
	put_usage(out, r, 1);
	text_str(out, "}");
	end_event(out);
	write_ping(out, r);
}

static void
start_delta(struct text *out, const struct part *p, const char *type,
    const char *key)
{
	start_event(out, "content_block_delta");
	text_form(out, ",\"index\":%u,\"delta\":{\"type\":\"%s\",\"%s\":\"",
	    p->index, type, key);
}

static void
end_delta(struct text *out)
{
	text_str(out, "\"}");
	end_event(out);
}

/* A call's first piece is empty, as the real one's often is. */
static void
write_open(struct text *out, struct reply *r, const struct part *p)
{
	const struct kind *k = &kinds[p->kind];

	start_event(out, "content_block_start");
	text_form(out, ",\"index\":%u,\"content_block\":", p->index);
	put_block(out, r, p);
	end_event(out);
	if (p->kind == PART_CALL) {
		start_delta(out, p, k->delta, k->delta_key);
		end_delta(out);
	}
}

static void
write_chunk(struct text *out, struct reply *r, const struct part *p, uint64_t i)
{
	const struct kind *k = &kinds[p->kind];

	start_delta(out, p, k->delta, k->delta_key);
	reply_chunk(out, r, p, i);
	end_delta(out);
}

static void
write_close(struct text *out, struct reply *r, const struct part *p)
{
	if (p->kind == PART_THOUGHT) {
		start_delta(out, p, "signature_delta", "signature");
		reply_blob(out, r);
		end_delta(out);
	}
	start_event(out, "content_block_stop");
	text_form(out, ",\"index\":%u", p->index);
	end_event(out);
}

static void
write_end(struct text *out, struct reply *r)
{
	if (r->script->no_done < 2) {
		start_event(out, "message_delta");
		text_str(out, ",\"delta\":{");
		put_stop(out, r);
		text_str(out, "}");
		if (!reply_without_usage(r))
			text_form(out, ",\"usage\":{\"output_tokens\":%lu}",
			    reply_completion(r));
		end_event(out);
	}
	if (r->script->no_done)
		return;
	start_event(out, "message_stop");
	end_event(out);
}

static void
write_failure(struct text *out, struct reply *r, const struct refusal *why)
{
	text_str(out, "event: error\ndata: ");
	refusal_write(out, why, FAMILY_ANTHROPIC, r->n);
	text_str(out, "\n\n");
}

const struct dialect dialect_messages = {
	.family = FAMILY_ANTHROPIC,
	.id_header = "request-id",
	.endless = "{\"content\":[{\"type\":\"text\",\"text\":\"",
	.answer = write_answer,
	.begin = write_begin,
	.open = write_open,
	.chunk = write_chunk,
	.close = write_close,
	.ping = write_ping,
	.end = write_end,
	.fail = write_failure,
};

const struct dialect dialect_count = {
	.family = FAMILY_ANTHROPIC,
	.id_header = "request-id",
	.endless = "{\"input_tokens\":1,\"more\":\"",
	.answer = write_count,
};
