/*
 * OpenAI Responses: named events with running numbers; parts are output
 * items, and what was streamed is said whole again when it is done.
 */
#include <string.h>

#include "tests/sim/dialect.h"

#define CREATED "1795387329" /* a constant, so that answers compare */

/* How a kind of part is spelt. */
struct form {
	const char *prefix; /* of the item's id */
	const char *event;  /* .delta and .done */
	const char *part;   /* .added and .done, of what the item contains */
	const char *type;   /* of that; without a part, of the item */
	const char *key;    /* of the words in it, and in .done */
	const char *place;  /* further fields of its events */
	const char *more;   /* further fields of the part */
};

static const struct form forms[] = {
	[PART_THOUGHT] = { .prefix = "rs",
	    .event = "response.reasoning_summary_text",
	    .part = "response.reasoning_summary_part",
	    .type = "summary_text",
	    .key = "text",
	    .place = ",\"summary_index\":0",
	    .more = "" },
	[PART_TEXT] = { .prefix = "msg",
	    .event = "response.output_text",
	    .part = "response.content_part",
	    .type = "output_text",
	    .key = "text",
	    .place = ",\"content_index\":0",
	    .more = ",\"annotations\":[],\"logprobs\":[]" },
	[PART_REFUSAL] = { .prefix = "msg",
	    .event = "response.refusal",
	    .part = "response.content_part",
	    .type = "refusal",
	    .key = "refusal",
	    .place = ",\"content_index\":0",
	    .more = "" },
	[PART_CALL] = { .prefix = "fc",
	    .event = "response.function_call_arguments",
	    .type = "function_call",
	    .key = "arguments",
	    .place = "" },
};

static const struct form custom_call = {
	.prefix = "ctc",
	.event = "response.custom_tool_call_input",
	.type = "custom_tool_call",
	.key = "input",
	.place = "",
};

static const struct form *
form_of(const struct reply *r, const struct part *p)
{
	if (p->kind == PART_CALL && r->script->custom)
		return &custom_call;
	return &forms[p->kind];
}

static void
put_usage(struct text *out, const struct reply *r)
{
	const struct script *s = r->script;
	uint64_t completion = reply_completion(r);

	if (reply_without_usage(r)) {
		text_str(out, "null");
		return;
	}
	text_form(out,
	    "{\"input_tokens\":%lu,\"input_tokens_details\":"
	    "{\"cached_tokens\":%lu,\"cache_write_tokens\":%lu},",
	    s->prompt, s->cached, s->cache_write + s->cache_write_1h);
	text_form(out,
	    "\"output_tokens\":%lu,\"output_tokens_details\":"
	    "{\"reasoning_tokens\":%lu},\"total_tokens\":%lu}",
	    completion, reply_reasoning(r), s->prompt + completion);
}

static const char *
incomplete_reason(const struct reply *r)
{
	if (!strcmp(r->script->finish, "length"))
		return "max_output_tokens";
	if (!strcmp(r->script->finish, "content_filter"))
		return "content_filter";
	return NULL;
}

static const char *
final_status(const struct reply *r)
{
	return incomplete_reason(r) ? "incomplete" : "completed";
}

static bool
is_last(const struct reply *r, const struct part *p)
{
	return p->index + 1 == r->count;
}

static void
put_id(struct text *out, const struct reply *r, const struct part *p)
{
	text_form(out, "%s_sim%lu_%u", form_of(r, p)->prefix, r->n,
	    p->kind == PART_CALL ? p->call : p->index);
}

/* What an item contains, with its words when it is closed. */
static void
put_inside(struct text *out, const struct reply *r, const struct part *p)
{
	const struct form *f = form_of(r, p);

	text_form(out, "{\"type\":\"%s\",\"%s\":\"", f->type, f->key);
	if (p->closed)
		reply_whole(out, r, p);
	text_form(out, "\"%s}", f->more);
}

static const char *
item_status(const struct reply *r, const struct part *p)
{
	if (!p->closed)
		return "in_progress";
	return is_last(r, p) ? final_status(r) : "completed";
}

static void
put_call(struct text *out, const struct reply *r, const struct part *p)
{
	const struct form *f = form_of(r, p);

	text_form(out,
	    "\"type\":\"%s\",\"status\":\"%s\","
	    "\"call_id\":\"call_sim%lu_%u\",\"name\":\"%s\",\"%s\":\"",
	    f->type, item_status(r, p), r->n, p->call, reply_call(r, p)->name,
	    f->key);
	if (p->closed)
		reply_whole(out, r, p);
	text_str(out, "\"");
}

static void
put_thought(struct text *out, const struct reply *r, const struct part *p)
{
	text_str(out, "\"type\":\"reasoning\",\"summary\":[");
	if (p->closed)
		put_inside(out, r, p);
	text_str(out, "]");
	if (!p->closed)
		return;
	text_str(out, ",\"encrypted_content\":\"");
	reply_blob(out, r);
	text_str(out, "\"");
}

static void
put_message(struct text *out, const struct reply *r, const struct part *p)
{
	text_form(out,
	    "\"type\":\"message\",\"status\":\"%s\","
	    "\"role\":\"assistant\",\"content\":[",
	    item_status(r, p));
	if (p->closed)
		put_inside(out, r, p);
	text_str(out, "]");
}

static void
put_item(struct text *out, const struct reply *r, const struct part *p)
{
	text_str(out, "{\"id\":\"");
	put_id(out, r, p);
	text_str(out, "\",");
	if (p->kind == PART_THOUGHT)
		put_thought(out, r, p);
	else if (p->kind == PART_CALL)
		put_call(out, r, p);
	else
		put_message(out, r, p);
	text_str(out, "}");
}

static void
put_output(struct text *out, const struct reply *r)
{
	struct part whole;
	unsigned i;

	for (i = 0; i < r->count; i++) {
		whole = r->parts[i];
		whole.closed = true;
		text_str(out, i ? "," : "");
		put_item(out, r, &whole);
	}
}

/* Ended: with output, usage and, perhaps, why it is incomplete. */
static void
put_response(struct text *out, const struct reply *r, const char *status,
    const struct words *error)
{
	bool ended =
	    !strcmp(status, "completed") || !strcmp(status, "incomplete");
	const char *reason = ended ? incomplete_reason(r) : NULL;

	text_form(out,
	    "{\"id\":\"resp_sim%lu\",\"object\":\"response\","
	    "\"created_at\":" CREATED ",\"status\":\"%s\","
	    "\"background\":false,\"completed_at\":%s,\"error\":",
	    r->n, status, ended && !reason ? CREATED : "null");
	if (error)
		text_form(out, "{\"code\":\"%s\",\"message\":\"%s\"}",
		    error->code ? error->code : "server_error", error->message);
	else
		text_str(out, "null");
	text_str(out, ",\"incomplete_details\":");
	if (reason)
		text_form(out, "{\"reason\":\"%s\"}", reason);
	else
		text_str(out, "null");
	text_form(out,
	    ",\"instructions\":null,\"max_output_tokens\":null,"
	    "\"max_tool_calls\":null,\"model\":\"%s\",\"output\":[",
	    r->model);
	if (ended)
		put_output(out, r);
	text_str(out,
	    "],\"parallel_tool_calls\":true,\"previous_response_id\":null,"
	    "\"prompt_cache_key\":null,"
	    "\"reasoning\":{\"effort\":null,\"summary\":null},"
	    "\"service_tier\":\"default\",\"store\":true,\"temperature\":1,"
	    "\"text\":{\"format\":{\"type\":\"text\"}},"
	    "\"tool_choice\":\"auto\",\"tools\":[],\"top_logprobs\":0,"
	    "\"top_p\":1,\"truncation\":\"disabled\",\"usage\":");
	if (ended)
		put_usage(out, r);
	else
		text_str(out, "null");
	text_str(out, ",\"user\":null,\"metadata\":{}}");
}

static void
write_answer(struct text *out, const struct reply *r)
{
	put_response(out, r, final_status(r), NULL);
}

static void
start_event(struct text *out, const char *type, const char *end)
{
	text_form(out, "event: %s%s\ndata: {\"type\":\"%s%s\"", type, end, type,
	    end);
}

static void
end_event(struct text *out, struct reply *r)
{
	text_form(out, ",\"sequence_number\":%lu}\n\n", r->events++);
}

static void
write_state(struct text *out, struct reply *r, const char *end,
    const char *status)
{
	start_event(out, "response.", end);
	text_str(out, ",\"response\":");
	put_response(out, r, status, NULL);
	end_event(out, r);
}

static void
write_begin(struct text *out, struct reply *r)
{
	write_state(out, r, "created", "in_progress");
	write_state(out, r, "in_progress", "in_progress");
}

static void
write_ping(struct text *out, struct reply *r)
{
	write_state(out, r, "in_progress", "in_progress");
}

static void
write_item(struct text *out, struct reply *r, const struct part *p,
    const char *end)
{
	start_event(out, "response.output_item", end);
	text_form(out, ",\"output_index\":%u,\"item\":", p->index);
	put_item(out, r, p);
	end_event(out, r);
}

static void
put_place(struct text *out, const struct reply *r, const struct part *p)
{
	text_str(out, ",\"item_id\":\"");
	put_id(out, r, p);
	text_form(out, "\",\"output_index\":%u%s", p->index,
	    form_of(r, p)->place);
}

static void
write_inside(struct text *out, struct reply *r, const struct part *p,
    const char *end)
{
	if (!form_of(r, p)->part)
		return;
	start_event(out, form_of(r, p)->part, end);
	put_place(out, r, p);
	text_str(out, ",\"part\":");
	put_inside(out, r, p);
	end_event(out, r);
}

static void
write_open(struct text *out, struct reply *r, const struct part *p)
{
	write_item(out, r, p, ".added");
	write_inside(out, r, p, ".added");
}

/* Text has log probabilities, none of them. */
static const char *
logprobs(const struct part *p)
{
	return p->kind == PART_TEXT ? ",\"logprobs\":[]" : "";
}

static void
write_chunk(struct text *out, struct reply *r, const struct part *p, uint64_t i)
{
	start_event(out, form_of(r, p)->event, ".delta");
	put_place(out, r, p);
	text_str(out, ",\"delta\":\"");
	reply_chunk(out, r, p, i);
	text_form(out, "\"%s", logprobs(p));
	end_event(out, r);
}

static void
write_close(struct text *out, struct reply *r, const struct part *p)
{
	start_event(out, form_of(r, p)->event, ".done");
	put_place(out, r, p);
	text_form(out, ",\"%s\":\"", form_of(r, p)->key);
	reply_whole(out, r, p);
	text_form(out, "\"%s", logprobs(p));
	end_event(out, r);
	write_inside(out, r, p, ".done");
	write_item(out, r, p, ".done");
}

static void
write_end(struct text *out, struct reply *r)
{
	if (!r->script->no_done)
		write_state(out, r, final_status(r), final_status(r));
}

static void
write_failure(struct text *out, struct reply *r, const struct refusal *why)
{
	start_event(out, "response.failed", "");
	text_str(out, ",\"response\":");
	put_response(out, r, "failed", &why->words[FAMILY_OPENAI]);
	end_event(out, r);
}

const struct dialect dialect_responses = {
	.family = FAMILY_OPENAI,
	.id_header = "x-request-id",
	.endless = "{\"output\":[{\"type\":\"message\",\"content\":[{"
		   "\"type\":\"output_text\",\"text\":\"",
	.answer = write_answer,
	.begin = write_begin,
	.open = write_open,
	.chunk = write_chunk,
	.close = write_close,
	.ping = write_ping,
	.end = write_end,
	.fail = write_failure,
};
