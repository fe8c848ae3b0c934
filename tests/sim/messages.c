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
	{ "", "end_turn" },
	{ "stop", "end_turn" },
	{ "length", "max_tokens" },
	{ "content_filter", "refusal" },
	{ "tool_calls", "tool_use" },
};

/* A word that is none of Chat's stands for itself. */
static const char *
stop_reason(const struct reply *r)
{
	const char *word = r->script->finish;
	size_t i;

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

	if (reply_without_usage(r))
		return;
	text_form(out,
	    ",\"usage\":{\"input_tokens\":%lu,"
	    "\"cache_creation_input_tokens\":0,"
	    "\"cache_read_input_tokens\":%lu,"
	    "\"cache_creation\":{\"ephemeral_5m_input_tokens\":0,"
	    "\"ephemeral_1h_input_tokens\":0},"
	    "\"output_tokens\":%lu,\"service_tier\":\"standard\"}",
	    less(s->prompt, s->cached), s->cached, output);
}

static void
put_message(struct text *out, const struct reply *r)
{
	text_form(out,
	    "{\"id\":\"msg_sim%lu\",\"type\":\"message\","
	    "\"role\":\"assistant\",\"model\":\"%s\",\"content\":[",
	    r->n, r->model);
}

static void
put_block(struct text *out, const struct reply *r, const struct part *p)
{
	text_str(out, "{\"type\":\"text\",\"text\":\"");
	if (p->closed)
		reply_whole(out, r, p);
	text_str(out, "\"}");
}

static void
put_stop(struct text *out, const struct reply *r)
{
	text_form(out, "\"stop_reason\":\"%s\",\"stop_sequence\":null",
	    stop_reason(r));
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
write_ping(struct text *out)
{
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
	write_ping(out);
}

static void
write_open(struct text *out, struct reply *r, const struct part *p)
{
	start_event(out, "content_block_start");
	text_form(out, ",\"index\":%u,\"content_block\":", p->index);
	put_block(out, r, p);
	end_event(out);
}

static void
write_chunk(struct text *out, struct reply *r, const struct part *p, uint64_t i)
{
	start_event(out, "content_block_delta");
	text_form(out,
	    ",\"index\":%u,\"delta\":{\"type\":\"text_delta\",\"text\":\"",
	    p->index);
	reply_chunk(out, r, p, i);
	text_str(out, "\"}");
	end_event(out);
}

static void
write_close(struct text *out, struct reply *r, const struct part *p)
{
	(void)r;
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
	.end = write_end,
	.fail = write_failure,
};

const struct dialect dialect_count = {
	.family = FAMILY_ANTHROPIC,
	.id_header = "request-id",
	.endless = "{\"input_tokens\":1,\"more\":\"",
	.answer = write_count,
};
