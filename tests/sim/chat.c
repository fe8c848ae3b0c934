/*
 * OpenAI Chat Completions: events without a name, ended by data: [DONE].
 * This form is made a million times a second: no format strings in chunks.
 */
#include <string.h>

#include "tests/sim/dialect.h"

#define CREATED "1795387329" /* a constant, so that answers compare */

static void
put_usage(struct text *out, const struct reply *r)
{
	const struct script *s = r->script;
	uint64_t completion = reply_completion(r);

	text_form(out,
	    "{\"prompt_tokens\":%lu,\"completion_tokens\":%lu,"
	    "\"total_tokens\":%lu,"
	    "\"prompt_tokens_details\":{\"cached_tokens\":%lu,",
	    s->prompt, completion, s->prompt + completion, s->cached);
	if (s->cache_write + s->cache_write_1h)
		text_form(out, "\"cache_write_tokens\":%lu,",
		    s->cache_write + s->cache_write_1h);
	text_form(out,
	    "\"audio_tokens\":0},"
	    "\"completion_tokens_details\":{\"reasoning_tokens\":%lu,"
	    "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
	    "\"rejected_prediction_tokens\":0}}",
	    reply_reasoning(r));
}

static void
put_start(struct text *out, const struct reply *r, const char *object)
{
	text_str(out, "{\"id\":\"chatcmpl-sim");
	text_num(out, r->n);
	text_str(out, "\",\"object\":\"");
	text_str(out, object);
	text_str(out, "\",\"created\":" CREATED ",\"model\":\"");
	text_str(out, r->model);
	text_str(out, "\",\"service_tier\":\"default\","
		      "\"system_fingerprint\":\"fp_sim\",\"choices\":[");
}

static const char *
finish(const struct reply *r)
{
	if (*r->script->finish)
		return r->script->finish;
	return reply_has(r, PART_CALL) ? "tool_calls" : "stop";
}

/* The whole of the parts of a kind, or null. */
static void
put_words(struct text *out, const struct reply *r, enum part_kind kind)
{
	unsigned i;

	if (!reply_has(r, kind)) {
		text_str(out, "null");
		return;
	}
	text_str(out, "\"");
	for (i = 0; i < r->count; i++)
		if (r->parts[i].kind == kind)
			reply_whole(out, r, &r->parts[i]);
	text_str(out, "\"");
}

/* As far as the arguments. */
static void
put_call(struct text *out, const struct reply *r, const struct part *p)
{
	bool custom = r->script->custom;
	const char *type = custom ? "custom" : "function";

	text_form(out,
	    "\"id\":\"call_sim%lu_%u\",\"type\":\"%s\",\"%s\":{"
	    "\"name\":\"%s\",\"%s\":\"",
	    r->n, p->call, type, type, reply_call(r, p)->name,
	    custom ? "input" : "arguments");
}

static void
put_calls(struct text *out, const struct reply *r)
{
	const char *before = ",\"tool_calls\":[{";
	unsigned i;

	if (!reply_has(r, PART_CALL))
		return;
	for (i = 0; i < r->count; i++) {
		if (r->parts[i].kind != PART_CALL)
			continue;
		text_str(out, before);
		put_call(out, r, &r->parts[i]);
		reply_whole(out, r, &r->parts[i]);
		text_str(out, "\"}}");
		before = ",{";
	}
	text_str(out, "]");
}

static void
write_answer(struct text *out, const struct reply *r)
{
	put_start(out, r, "chat.completion");
	text_str(out, "{\"index\":0,\"message\":{\"role\":\"assistant\","
		      "\"content\":");
	put_words(out, r, PART_TEXT);
	text_str(out, ",\"refusal\":");
	put_words(out, r, PART_REFUSAL);
	text_str(out, ",\"annotations\":[]");
	if (reply_has(r, PART_THOUGHT)) {
		text_str(out, ",\"reasoning_content\":");
		put_words(out, r, PART_THOUGHT);
	}
	put_calls(out, r);
	text_form(out, "},\"logprobs\":null,\"finish_reason\":\"%s\"}]",
	    finish(r));
	if (!reply_without_usage(r)) {
		text_str(out, ",\"usage\":");
		put_usage(out, r);
	}
	text_str(out, "}");
}

static void
start_event(struct text *out, const struct reply *r)
{
	text_str(out, "data: ");
	put_start(out, r, "chat.completion.chunk");
}

static void
end_event(struct text *out, const struct reply *r)
{
	if (r->usage)
		text_str(out, ",\"usage\":null");
	text_str(out, "}\n\n");
}

static void
write_begin(struct text *out, struct reply *r)
{
	start_event(out, r);
	text_str(out, "{\"index\":0,\"delta\":{\"role\":\"assistant\","
		      "\"content\":");
	text_str(out, reply_has(r, PART_TEXT) ? "\"\"" : "null");
	text_str(out, ",\"refusal\":null},\"logprobs\":null,"
		      "\"finish_reason\":null}]");
	end_event(out, r);
}

/* A call begins with its name; other parts with their deltas. */
static void
write_open(struct text *out, struct reply *r, const struct part *p)
{
	if (p->kind != PART_CALL)
		return;
	start_event(out, r);
	text_form(out, "{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":%u,",
	    p->call);
	put_call(out, r, p);
	text_str(out, "\"}}]},\"logprobs\":null,\"finish_reason\":null}]");
	end_event(out, r);
}

static void
write_close(struct text *out, struct reply *r, const struct part *p)
{
	(void)out;
	(void)r;
	(void)p;
}

#define DELTA "{\"index\":0,\"delta\":{"
#define END   "},\"logprobs\":null,\"finish_reason\":null}]"

/* How a chunk of a kind begins. */
static const char *const deltas[] = {
	[PART_THOUGHT] = DELTA "\"reasoning_content\":\"",
	[PART_TEXT] = DELTA "\"content\":\"",
	[PART_REFUSAL] = DELTA "\"refusal\":\"",
	[PART_CALL] = DELTA "\"tool_calls\":[{\"index\":",
};

static void
write_chunk(struct text *out, struct reply *r, const struct part *p, uint64_t i)
{
	bool custom = r->script->custom;

	start_event(out, r);
	text_str(out, deltas[p->kind]);
	if (p->kind == PART_CALL) {
		text_num(out, p->call);
		text_str(out, custom ? ",\"custom\":{\"input\":\""
				     : ",\"function\":{\"arguments\":\"");
	}
	reply_chunk(out, r, p, i);
	text_str(out, p->kind == PART_CALL ? "\"}}]" END : "\"" END);
	end_event(out, r);
}

static void
write_ping(struct text *out, struct reply *r)
{
	(void)r;
	text_str(out, ": ping\n\n");
}

static void
write_end(struct text *out, struct reply *r)
{
	start_event(out, r);
	text_form(out,
	    "{\"index\":0,\"delta\":{},\"logprobs\":null,"
	    "\"finish_reason\":\"%s\"}]",
	    finish(r));
	end_event(out, r);
	if (r->usage && !reply_without_usage(r)) {
		start_event(out, r);
		text_str(out, "],\"usage\":");
		put_usage(out, r);
		text_str(out, "}\n\n");
	}
	if (!r->script->no_done)
		text_str(out, "data: [DONE]\n\n");
}

static void
write_failure(struct text *out, struct reply *r, const struct refusal *why)
{
	text_str(out, "data: ");
	refusal_write(out, why, FAMILY_OPENAI, r->n);
	text_str(out, "\n\n");
}

const struct dialect dialect_chat = {
	.family = FAMILY_OPENAI,
	.id_header = "x-request-id",
	.endless = "{\"choices\":[{\"message\":{\"content\":\"",
	.interleaves = true,
	.answer = write_answer,
	.begin = write_begin,
	.open = write_open,
	.chunk = write_chunk,
	.close = write_close,
	.ping = write_ping,
	.end = write_end,
	.fail = write_failure,
};
