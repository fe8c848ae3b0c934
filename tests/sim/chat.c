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
	    "\"prompt_tokens_details\":{\"cached_tokens\":%lu,"
	    "\"audio_tokens\":0},",
	    s->prompt, completion, s->prompt + completion, s->cached);
	text_form(out,
	    "\"completion_tokens_details\":{\"reasoning_tokens\":%lu,"
	    "\"audio_tokens\":0,\"accepted_prediction_tokens\":0,"
	    "\"rejected_prediction_tokens\":0}}",
	    s->reasoning);
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
	return *r->script->finish ? r->script->finish : "stop";
}

static void
write_answer(struct text *out, const struct reply *r)
{
	put_start(out, r, "chat.completion");
	text_str(out, "{\"index\":0,\"message\":{\"role\":\"assistant\","
		      "\"content\":\"");
	reply_whole(out, r, &r->parts[0]);
	text_form(out,
	    "\",\"refusal\":null,\"annotations\":[]},\"logprobs\":null,"
	    "\"finish_reason\":\"%s\"}]",
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
		      "\"content\":\"\",\"refusal\":null},\"logprobs\":null,"
		      "\"finish_reason\":null}]");
	end_event(out, r);
}

/* Parts begin and end with their deltas. */
static void
write_nothing(struct text *out, struct reply *r, const struct part *p)
{
	(void)out;
	(void)r;
	(void)p;
}

static void
write_chunk(struct text *out, struct reply *r, const struct part *p, uint64_t i)
{
	start_event(out, r);
	text_str(out, "{\"index\":0,\"delta\":{\"content\":\"");
	reply_chunk(out, r, p, i);
	text_str(out, "\"},\"logprobs\":null,\"finish_reason\":null}]");
	end_event(out, r);
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
	.answer = write_answer,
	.begin = write_begin,
	.open = write_nothing,
	.chunk = write_chunk,
	.close = write_nothing,
	.end = write_end,
	.fail = write_failure,
};
