/*
 * What a Responses answer is made of: items, one for each block, and the
 * response object around them, which repeats some of the request.
 */
#include "common/base/arena.h"
#include "common/format/json.h"
#include "node/dialect/responses/responses.h"

#define SEARCH_MAX   (64u << 10) /* bytes of a tool search's arguments */
#define SEARCH_ARENA ((size_t)16 << 20)

static const struct form {
	const char *prefix; /* of ids */
	const char *part;   /* type of its part, and the field of its text */
	const char *field;
	const char *more; /* further fields of the part */
} forms[] = {
	[BLOCK_TEXT] = { "msg_", "output_text", "text",
	    ",\"annotations\":[],\"logprobs\":[]" },
	[BLOCK_REFUSAL] = { "msg_", "refusal", "refusal", "" },
	[BLOCK_THINKING] = { "rs_", "summary_text", "text", "" },
	[BLOCK_CALL] = { "fc_", NULL, NULL, NULL },
	[BLOCK_CUSTOM] = { "ctc_", NULL, NULL, NULL },
};

static bool
is_search(const struct told *b)
{
	return b->what == BLOCK_CALL && b->tool != NULL && b->tool->search;
}

void
responses_put_id(struct telling *t, const char *prefix)
{
	buf_puts(t->out, prefix);
	buf_puts(t->out, t->id);
}

void
responses_put_item_id(struct telling *t, const struct told *b)
{
	responses_put_id(t, is_search(b) ? "tsc_" : forms[b->what].prefix);
	buf_putc(t->out, '_');
	buf_put_int(t->out, b->place);
}

void
responses_put_part(struct telling *t, const struct told *b, bool whole)
{
	const struct form *form = &forms[b->what];

	buf_printf(t->out, "{\"type\":\"%s\",\"%s\":\"", form->part,
	    form->field);
	if (whole)
		buf_put_slice(t->out, buf_slice(&b->text));
	buf_puts(t->out, "\"");
	buf_puts(t->out, form->more);
	buf_puts(t->out, "}");
}

static void
put_status(struct telling *t, bool whole)
{
	buf_puts(t->out, whole ? "\",\"status\":\"completed\""
			       : "\",\"status\":\"in_progress\"");
}

static void
put_message(struct telling *t, const struct told *b, bool whole)
{
	buf_puts(t->out, "\",\"type\":\"message");
	put_status(t, whole);
	buf_puts(t->out, ",\"role\":\"assistant\",\"content\":[");
	if (whole)
		responses_put_part(t, b, true);
	buf_puts(t->out, "]}");
}

static void
put_reasoning(struct telling *t, const struct told *b, bool whole)
{
	buf_puts(t->out, "\",\"type\":\"reasoning\",\"summary\":[");
	if (whole && b->text.len > 0)
		responses_put_part(t, b, true);
	buf_puts(t->out, "]");
	if (t->wants_blobs && whole && b->blob.len > 0) {
		buf_puts(t->out, ",\"encrypted_content\":\"");
		buf_put_slice(t->out, buf_slice(&b->blob));
		buf_puts(t->out, "\"");
	}
	buf_puts(t->out, "}");
}

/* A call needs an id for its result, whether the provider gave one or not. */
static void
put_call_id(struct telling *t, const struct told *b)
{
	buf_puts(t->out, ",\"call_id\":\"");
	if (b->id.len > 0) {
		buf_put_slice(t->out, b->id);
	} else {
		responses_put_id(t, "call_");
		buf_printf(t->out, "_%u", b->place);
	}
	buf_puts(t->out, "\"");
}

static void
put_call(struct telling *t, const struct told *b, bool whole)
{
	bool custom = b->what == BLOCK_CUSTOM;

	buf_puts(t->out, custom ? "\",\"type\":\"custom_tool_call"
				: "\",\"type\":\"function_call");
	put_status(t, whole);
	put_call_id(t, b);
	buf_puts(t->out, ",\"name\":\"");
	buf_put_slice(t->out, told_name(b));
	if (b->tool != NULL && b->tool->space.len > 0) {
		buf_puts(t->out, "\",\"namespace\":\"");
		buf_put_slice(t->out, raw_inside(b->tool->space));
	}
	buf_puts(t->out, custom ? "\",\"input\":\"" : "\",\"arguments\":\"");
	if (whole)
		buf_put_slice(t->out, buf_slice(&b->text));
	buf_puts(t->out, "\"}");
}

/* JSON that stands in a line of its own: line breaks end an event's. */
static void
put_in_line(struct buf *out, struct slice json)
{
	size_t i;

	for (i = 0; i < json.len; i++)
		buf_putc(out, json.ptr[i] == '\n' || json.ptr[i] == '\r'
				  ? ' '
				  : json.ptr[i]);
}

/* The object in the text of a call; {} when it is none. */
static void
put_arguments(struct buf *out, const struct told *b)
{
	const struct json_value *v = NULL;
	struct json_error error;
	struct arena arena;
	struct slice json;
	struct buf raw;

	buf_init(&raw, SEARCH_MAX);
	buf_putc(&raw, '"');
	buf_put_slice(&raw, buf_slice(&b->text));
	buf_putc(&raw, '"');
	arena_init(&arena, SEARCH_ARENA);
	if (!raw.failed && json_raw_text(buf_slice(&raw), &arena, &json))
		v = json_parse(&arena, json, &error);
	put_in_line(out,
	    v != NULL && v->type == JSON_OBJECT ? v->raw : slice_of("{}"));
	arena_fini(&arena);
	buf_fini(&raw);
}

/* A search for tools is not called by name: clients know it by its type. */
static void
put_search(struct telling *t, const struct told *b, bool whole)
{
	buf_puts(t->out, "\",\"type\":\"tool_search_call");
	put_status(t, whole);
	put_call_id(t, b);
	buf_puts(t->out, ",\"execution\":\"client\",\"arguments\":");
	if (whole)
		put_arguments(t->out, b);
	else
		buf_puts(t->out, "{}");
	buf_puts(t->out, "}");
}

void
responses_put_item(struct telling *t, const struct told *b, bool whole)
{
	buf_puts(t->out, "{\"id\":\"");
	responses_put_item_id(t, b);
	if (b->what == BLOCK_THINKING)
		put_reasoning(t, b, whole);
	else if (is_search(b))
		put_search(t, b, whole);
	else if (block_is_call(b->what))
		put_call(t, b, whole);
	else
		put_message(t, b, whole);
}

/* A scalar of the request, or what it is without. */
static void
put_asked(struct json_writer *w, const char *key, struct slice raw,
    const char *otherwise)
{
	json_key(w, key);
	json_put_raw(w, raw.len > 0 ? raw : slice_of(otherwise));
}

static void
put_usage(struct json_writer *w, const struct usage *u)
{
	int64_t in = usage_input(u), out = usage_output(u);

	json_open(w, '{');
	json_field_int(w, "input_tokens", in);
	json_key(w, "input_tokens_details");
	json_open(w, '{');
	json_field_int(w, "cached_tokens", u->cache_read_tokens);
	json_field_int(w, "cache_write_tokens", usage_written(u));
	json_close(w, '}');
	json_field_int(w, "output_tokens", out);
	json_key(w, "output_tokens_details");
	json_open(w, '{');
	json_field_int(w, "reasoning_tokens", u->reasoning_tokens);
	json_close(w, '}');
	json_field_int(w, "total_tokens", in + out);
	json_close(w, '}');
}

/* Why it is not complete, or NULL.  A refusal in words is complete. */
static const char *
incomplete(const struct telling *t)
{
	if (t->finish == FINISH_LENGTH)
		return "max_output_tokens";
	if (t->finish == FINISH_FILTER ||
	    (t->finish == FINISH_REFUSAL && !telling_has(t, BLOCK_REFUSAL)))
		return "content_filter";
	return NULL;
}

const char *
responses_status(const struct telling *t)
{
	return incomplete(t) != NULL ? "incomplete" : "completed";
}

static void
put_state(struct telling *t, struct json_writer *w, bool over)
{
	const char *why = over ? incomplete(t) : NULL;

	json_field_text(w, "status",
	    slice_of(over ? responses_status(t) : "in_progress"));
	json_field_bool(w, "background", false);
	json_key(w, "error");
	json_put_null(w);
	json_key(w, "incomplete_details");
	if (why == NULL) {
		json_put_null(w);
		return;
	}
	json_open(w, '{');
	json_field_text(w, "reason", slice_of(why));
	json_close(w, '}');
}

static void
put_choice(struct json_writer *w, const struct turn *turn)
{
	static const char *const words[] = { [CHOICE_UNSET] = "auto",
		[CHOICE_AUTO] = "auto",
		[CHOICE_NONE] = "none",
		[CHOICE_ANY] = "required" };

	json_key(w, "tool_choice");
	if (turn->choice != CHOICE_ONE) {
		json_put_text(w, slice_of(words[turn->choice]));
		return;
	}
	json_open(w, '{');
	json_field_text(w, "type",
	    slice_of(turn->chosen->search                ? "tool_search"
		     : turn->chosen->kind == TOOL_CUSTOM ? "custom"
							 : "function"));
	json_key(w, "name");
	json_put_raw(w, turn->chosen->name);
	json_close(w, '}');
}

static void
put_text_format(struct json_writer *w, const struct turn *turn)
{
	json_key(w, "text");
	json_open(w, '{');
	json_key(w, "format");
	json_open(w, '{');
	json_field_text(w, "type",
	    slice_of(turn->format == FORMAT_SCHEMA ? "json_schema"
		     : turn->format == FORMAT_JSON ? "json_object"
						   : "text"));
	if (turn->format == FORMAT_SCHEMA) {
		put_asked(w, "name", turn->format_name, "\"response\"");
		json_key(w, "schema");
		json_put_raw(w, slice_make(NULL, 0));
		put_in_line(w->out, turn->format_schema);
		put_asked(w, "strict", turn->format_strict, "null");
	}
	json_close(w, '}');
	put_asked(w, "verbosity", turn->verbosity, "\"medium\"");
	json_close(w, '}');
}

/* What was asked for, as far as clients look at it. */
static void
put_request(struct json_writer *w, const struct turn *turn)
{
	const char *effort = effort_name(turn->effort);

	json_key(w, "instructions");
	json_put_null(w);
	json_key(w, "max_output_tokens");
	if (turn->output_cap > 0)
		json_put_int(w, turn->output_cap);
	else
		json_put_null(w);
	json_field_bool(w, "parallel_tool_calls", turn->parallel != TO_NO);
	put_asked(w, "prompt_cache_key", turn->cache_key, "null");
	json_key(w, "reasoning");
	json_open(w, '{');
	json_key(w, "effort");
	if (effort != NULL)
		json_put_text(w, slice_of(effort));
	else
		json_put_null(w);
	put_asked(w, "summary", slice_of(NULL),
	    turn->thoughts_shown == TO_YES ? "\"auto\"" : "null");
	json_close(w, '}');
	put_asked(w, "temperature", turn->temperature, "1");
	put_asked(w, "top_p", turn->top_p, "1");
	put_text_format(w, turn);
	put_choice(w, turn);
}

/* No client reads these from an answer, but some want them to be there. */
static const char unsaid[] =
    ",\"tools\":[],\"metadata\":{},\"max_tool_calls\":null,"
    "\"previous_response_id\":null,\"service_tier\":\"default\","
    "\"store\":false,\"top_logprobs\":0,\"truncation\":\"disabled\","
    "\"user\":null";

void
responses_put_response(struct telling *t, bool over, const struct usage *usage)
{
	struct json_writer w = { .out = t->out };
	unsigned i;

	json_open(&w, '{');
	json_key(&w, "id");
	json_put_raw(&w, slice_of("\""));
	responses_put_id(t, "resp_");
	buf_putc(t->out, '"');
	json_field_text(&w, "object", slice_of("response"));
	json_field_int(&w, "created_at", t->created_s);
	put_state(t, &w, over);
	json_key(&w, "model");
	json_put_raw(&w, slice_make(NULL, 0));
	raw_put(t->out, t->model);
	json_key(&w, "output");
	json_open(&w, '[');
	for (i = 0; over && i < t->count; i++) {
		json_put_raw(&w, slice_make(NULL, 0));
		responses_put_item(t, t->blocks[i], true);
	}
	json_close(&w, ']');
	put_request(&w, t->turn);
	buf_puts(t->out, unsaid);
	json_key(&w, "usage");
	if (!over)
		json_put_null(&w);
	else /* zeroes, if need be: clients want figures at the end */
		put_usage(&w, usage != NULL ? usage : &(struct usage){ 0 });
	json_close(&w, '}');
}
