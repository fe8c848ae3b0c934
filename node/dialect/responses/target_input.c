/*
 * A turn's messages as items.  A message of an assistant becomes several, in
 * its order: reasoning, words, calls.  A result whose call is not there, and
 * a call without a result, are refused by providers: the one is left out, the
 * other gets a result that says so.
 */
#include "common/base/crypto.h"
#include "common/base/map.h"
#include "common/format/weave.h"
#include "node/dialect/responses/responses.h"

#define CALL_ID_MAX   64 /* characters that providers take */
#define ID_HASH_BYTES 12

struct input {
	struct weave *w;
	const struct turn *t;
	struct map calls;      /* raw id → the call, until its result */
	struct map unanswered; /* the same: calls that get none at all */
	bool in_message;       /* an item of type message is open */
};

static const char *const roles[] = { [TURN_SYSTEM] = "system",
	[TURN_DEVELOPER] = "developer",
	[TURN_USER] = "user",
	[TURN_ASSISTANT] = "assistant" };

static void
put_hashed(struct weave *w, const char *prefix, struct slice raw)
{
	struct hash h = hash_of(raw.ptr, raw.len);
	char hex[2 * ID_HASH_BYTES + 1];

	hex_write(hex, h.bytes, ID_HASH_BYTES);
	weave_string_begin(w);
	weave_text(w, prefix);
	weave_text(w, hex);
	weave_string_end(w);
}

static void
put_call_id(struct weave *w, struct slice raw)
{
	json_key(&w->json, "call_id");
	if (raw.len > 0 && raw_inside(raw).len <= CALL_ID_MAX)
		weave_raw(w, raw);
	else
		put_hashed(w, "call_", raw);
}

/* An object of that type, to be filled and closed. */
static void
open_typed(struct weave *w, const char *type)
{
	json_open(&w->json, '{');
	json_field_text(&w->json, "type", slice_of(type));
}

/* A part with a text that may begin with one of ours. */
static void
put_words(struct weave *w, const char *type, const char *before,
    struct slice inside)
{
	open_typed(w, type);
	json_key(&w->json, "text");
	weave_string_begin(w);
	weave_text(w, before);
	weave_inside(w, inside);
	weave_string_end(w);
	json_close(&w->json, '}');
}

static void
put_data_url(struct weave *w, const char *field, const struct part *p)
{
	json_key(&w->json, field);
	weave_string_begin(w);
	weave_text(w, "data:");
	json_escape(&w->fresh, p->media_type);
	weave_text(w, ";base64,");
	weave_inside(w, p->data);
	weave_string_end(w);
}

static void
put_image(struct weave *w, const struct part *p)
{
	open_typed(w, "input_image");
	weave_field(w, "detail", p->detail);
	if (p->url.len > 0)
		weave_field(w, "image_url", p->url);
	else
		put_data_url(w, "image_url", p);
	json_close(&w->json, '}');
}

/* A text with its title above: no field of this dialect takes one. */
static void
put_text_file(struct weave *w, const struct part *p)
{
	open_typed(w, "input_text");
	json_key(&w->json, "text");
	weave_string_begin(w);
	weave_inside(w, raw_inside(p->title));
	weave_text(w, p->title.len > 2 ? "\\n\\n" : "");
	weave_inside(w, raw_inside(p->text));
	weave_string_end(w);
	json_close(&w->json, '}');
}

static void
put_file(struct weave *w, const struct part *p)
{
	bool pdf = slice_is(p->media_type, "application/pdf");

	if (p->url.len == 0 && p->data.len == 0) {
		put_text_file(w, p);
		return;
	}
	open_typed(w, "input_file");
	if (p->url.len > 0) {
		weave_field(w, "file_url", p->url);
	} else {
		json_key(&w->json, "filename");
		if (p->title.len > 2)
			weave_raw(w, p->title);
		else
			json_put_text(&w->json,
			    slice_of(pdf ? "document.pdf" : "document"));
		put_data_url(w, "file_data", p);
	}
	json_close(&w->json, '}');
}

static void
put_part(struct weave *w, enum turn_role role, const struct part *p)
{
	bool says = role == TURN_ASSISTANT;

	if (p->kind == PART_IMAGE) {
		put_image(w, p);
	} else if (p->kind == PART_FILE) {
		put_file(w, p);
	} else if (p->kind == PART_REFUSAL && says) {
		open_typed(w, "refusal");
		weave_field(w, "refusal", p->text);
		json_close(&w->json, '}');
	} else {
		put_words(w, says ? "output_text" : "input_text", "",
		    raw_inside(p->text));
	}
}

static void
close_message(struct input *in)
{
	if (!in->in_message)
		return;
	in->in_message = false;
	json_close(&in->w->json, ']');
	json_close(&in->w->json, '}');
}

static void
put_in_message(struct input *in, const struct message *m, const struct part *p)
{
	struct weave *w = in->w;

	if (!in->in_message) {
		open_typed(w, "message");
		json_field_text(&w->json, "role", slice_of(roles[m->role]));
		weave_field(w, "phase", m->phase);
		json_key(&w->json, "content");
		json_open(&w->json, '[');
		in->in_message = true;
	}
	put_part(w, m->role, p);
}

/* Only what this dialect made can be said in it: others' is not read. */
static void
put_thinking(struct weave *w, const struct part *p)
{
	if (p->blob_kind != BLOB_ENCRYPTED)
		return;
	open_typed(w, "reasoning");
	json_key(&w->json, "id");
	put_hashed(w, "rs_", p->blob);
	json_key(&w->json, "summary");
	json_open(&w->json, '[');
	if (raw_inside(p->text).len > 0)
		put_words(w, "summary_text", "", raw_inside(p->text));
	json_close(&w->json, ']');
	weave_field(w, "encrypted_content", p->blob);
	json_close(&w->json, '}');
}

static void
put_call(struct input *in, const struct part *p)
{
	struct weave *w = in->w;

	open_typed(w, p->custom ? "custom_tool_call" : "function_call");
	put_call_id(w, p->id);
	json_field_text(&w->json, "name", turn_call_wire(in->t, p));
	if (p->custom)
		weave_field(w, "input",
		    p->arguments.len > 0 ? p->arguments : slice_of("\"\""));
	else
		weave_field(w, "arguments", turn_call_arguments(in->t, p));
	json_field_text(&w->json, "status", slice_of("completed"));
	json_close(&w->json, '}');
	map_put(&in->calls, p->id, (void *)(uintptr_t)p);
}

static void
put_parts(struct weave *w, const struct part *p)
{
	json_open(&w->json, '[');
	/* A text may not be there to begin with the word. */
	if (p->failed && (p->content == NULL || p->content->kind != PART_TEXT))
		put_words(w, "input_text", "Error", slice_of(""));
	for (const struct part *c = p->content; c != NULL; c = c->next) {
		if (c == p->content && p->failed && c->kind == PART_TEXT)
			put_words(w, "input_text",
			    "Error: ", raw_inside(c->text));
		else
			put_part(w, TURN_USER, c);
	}
	json_close(&w->json, ']');
}

static void
put_output(struct weave *w, const struct part *p)
{
	const struct part *only = p->content;

	json_key(&w->json, "output");
	if (only != NULL && (only->kind != PART_TEXT || only->next != NULL)) {
		put_parts(w, p);
		return;
	}
	weave_string_begin(w);
	if (p->failed)
		weave_text(w, only != NULL ? "Error: " : "Error");
	if (only != NULL)
		weave_inside(w, raw_inside(only->text));
	weave_string_end(w);
}

static void
open_result(struct weave *w, const struct part *call)
{
	open_typed(w,
	    call->custom ? "custom_tool_call_output" : "function_call_output");
	put_call_id(w, call->id);
}

static void
put_result(struct input *in, const struct part *p)
{
	const struct part *call = map_remove(&in->calls, p->id);

	if (call == NULL)
		return;
	open_result(in->w, call);
	put_output(in->w, p);
	json_close(&in->w->json, '}');
}

static void
put_aborted(struct input *in, const struct part *call)
{
	if (map_find(&in->unanswered, call->id) != call)
		return;
	map_remove(&in->calls, call->id);
	open_result(in->w, call);
	json_field_text(&in->w->json, "output", slice_of("aborted"));
	json_close(&in->w->json, '}');
}

static void
put_message(struct input *in, const struct message *m)
{
	const struct part *p;

	for (p = m->parts; p != NULL; p = p->next) {
		if (p->kind != PART_THINKING && p->kind != PART_CALL &&
		    p->kind != PART_RESULT) {
			put_in_message(in, m, p);
			continue;
		}
		close_message(in);
		if (p->kind == PART_THINKING)
			put_thinking(in->w, p);
		else if (p->kind == PART_CALL)
			put_call(in, p);
		else
			put_result(in, p);
	}
	close_message(in);
	for (p = m->parts; p != NULL; p = p->next)
		if (p->kind == PART_CALL)
			put_aborted(in, p);
}

static void
find_unanswered(struct input *in)
{
	const struct message *m;
	const struct part *p;

	for (m = in->t->messages; m != NULL; m = m->next)
		for (p = m->parts; p != NULL; p = p->next) {
			if (p->kind == PART_CALL)
				map_put(&in->unanswered, p->id,
				    (void *)(uintptr_t)p);
			else if (p->kind == PART_RESULT)
				map_remove(&in->unanswered, p->id);
		}
}

void
responses_write_input(struct weave *w, const struct turn *t)
{
	struct input in = { .w = w, .t = t };
	const struct message *m;

	map_init(&in.calls);
	map_init(&in.unanswered);
	find_unanswered(&in);
	json_open(&w->json, '[');
	for (m = t->messages; m != NULL; m = m->next)
		put_message(&in, m);
	json_close(&w->json, ']');
	map_fini(&in.calls);
	map_fini(&in.unanswered);
}
