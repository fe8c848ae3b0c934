#include "common/base/crypto.h"
#include "common/format/weave.h"
#include "node/dialect/chat/chat.h"
#include "node/dialect/pairing.h"

#define SHORT_ID_CHARS 9

struct writing {
	struct weave *w;
	const struct turn *turn;
	const struct target_terms *terms;
	struct pairing pairing;
};

static bool
knows(const struct writing *wr, unsigned quirk)
{
	return (wr->terms->quirks & quirk) != 0;
}

static void
put_word(struct writing *wr, const char *name, const char *word)
{
	json_field_text(&wr->w->json, name, slice_of(word));
}

/* Mistral's ids are 9 letters or digits: a hash of what stood there. */
static void
put_id(struct writing *wr, const char *name, struct slice raw)
{
	char hex[2 * HASH_BYTES + 1];
	struct hash h;

	if (!knows(wr, QUIRK_SHORT_TOOL_IDS) || raw.len == SHORT_ID_CHARS + 2) {
		weave_field(wr->w, name, raw);
		return;
	}
	h = hash_of(raw.ptr, raw.len);
	hex_write(hex, h.bytes, SHORT_ID_CHARS);
	hex[SHORT_ID_CHARS] = '\0';
	put_word(wr, name, hex);
}

static bool
is_media(const struct part *p)
{
	return p->kind == PART_IMAGE || p->kind == PART_FILE;
}

/* What there is to read in a part, raw; empty: nothing. */
static struct slice
readable(const struct part *p)
{
	if (p->kind == PART_TEXT || p->kind == PART_REFUSAL ||
	    (p->kind == PART_FILE && p->text.len > 0))
		return p->text;
	return slice_make(NULL, 0);
}

/* Within a string: of a file its name, too, which has no other place. */
static void
put_readable(struct writing *wr, const struct part *p)
{
	if (p->kind == PART_FILE && p->title.len > 2) {
		weave_inside(wr->w, raw_inside(p->title));
		weave_text(wr->w, "\\n\\n");
	}
	weave_inside(wr->w, raw_inside(readable(p)));
}

/* All texts as one string; `first` stands before them. */
static void
put_joined(struct writing *wr, const struct part *parts, const char *first)
{
	const char *between = first;
	const struct part *p;

	weave_string_begin(wr->w);
	for (p = parts; p != NULL; p = p->next) {
		if (readable(p).len == 0)
			continue;
		weave_text(wr->w, between);
		put_readable(wr, p);
		between = "\\n\\n";
	}
	weave_string_end(wr->w);
}

/* "data:MEDIA;base64,DATA", or the URL as it was. */
static void
put_url(struct writing *wr, const char *name, const struct part *p)
{
	if (p->url.len > 0) {
		weave_field(wr->w, name, p->url);
		return;
	}
	json_key(&wr->w->json, name);
	weave_string_begin(wr->w);
	weave_text(wr->w, "data:");
	json_escape(&wr->w->fresh, p->media_type);
	weave_text(wr->w, ";base64,");
	weave_inside(wr->w, p->data);
	weave_string_end(wr->w);
}

/* By the end of the name servers tell what is in it. */
static void
put_file_name(struct writing *wr, const struct part *p)
{
	bool pdf = slice_is(p->media_type, "application/pdf");

	if (p->title.len > 2)
		weave_field(wr->w, "filename", p->title);
	else
		put_word(wr, "filename", pdf ? "document.pdf" : "document");
}

static void
put_part(struct writing *wr, const struct part *p)
{
	struct json_writer *j = &wr->w->json;

	json_open(j, '{');
	if (p->kind == PART_IMAGE) {
		put_word(wr, "type", "image_url");
		json_key(j, "image_url");
		json_open(j, '{');
		put_url(wr, "url", p);
		weave_field(wr->w, "detail", p->detail);
		json_close(j, '}');
	} else if (p->kind == PART_FILE && p->text.len == 0) {
		put_word(wr, "type", "file");
		json_key(j, "file");
		json_open(j, '{');
		put_file_name(wr, p);
		put_url(wr, "file_data", p);
		json_close(j, '}');
	} else {
		put_word(wr, "type", "text");
		json_key(j, "text");
		weave_string_begin(wr->w);
		put_readable(wr, p);
		weave_string_end(wr->w);
	}
	json_close(j, '}');
}

static bool
all_text(const struct part *p)
{
	for (; p != NULL; p = p->next)
		if (is_media(p) && p->text.len == 0)
			return false;
	return true;
}

/* What a user says beside results, and what media came in those. */
static void
put_user_parts(struct writing *wr, const struct message *m)
{
	const struct part *p, *c;

	json_open(&wr->w->json, '[');
	for (p = m->parts; p != NULL; p = p->next) {
		if (p->kind != PART_RESULT) {
			put_part(wr, p);
			continue;
		}
		if (!pairing_took(&wr->pairing, p))
			continue;
		for (c = p->content; c != NULL; c = c->next)
			if (is_media(c) && c->text.len == 0)
				put_part(wr, c);
	}
	json_close(&wr->w->json, ']');
}

static void
put_result(struct writing *wr, const struct part *result)
{
	const struct part *p;
	bool some = false;

	for (p = result->content; p != NULL; p = p->next)
		some |= readable(p).len > 0;
	json_open(&wr->w->json, '{');
	put_word(wr, "role", "tool");
	put_id(wr, "tool_call_id", result->id);
	json_key(&wr->w->json, "content");
	if (some)
		put_joined(wr, result->content,
		    result->failed ? "Error: " : "");
	else if (result->content != NULL)
		json_put_text(&wr->w->json, slice_of("[image attached]"));
	else
		json_put_text(&wr->w->json,
		    slice_of(result->failed ? "Error" : ""));
	json_close(&wr->w->json, '}');
}

/* Results stand behind their calls; media in them follow with the user. */
static void
put_user(struct writing *wr, const struct message *m)
{
	bool text = true, more = false;
	const struct part *p;

	for (p = m->parts; p != NULL; p = p->next) {
		if (p->kind != PART_RESULT) {
			more = true;
			text &= !is_media(p) || p->text.len > 0;
		} else if (pairing_took(&wr->pairing, p)) {
			more |= !all_text(p->content);
			text &= all_text(p->content);
		}
	}
	if (!more)
		return;
	json_open(&wr->w->json, '{');
	put_word(wr, "role", "user");
	weave_field(wr->w, "name", m->name);
	json_key(&wr->w->json, "content");
	if (text && (m->parts->next == NULL || m->parts->kind == PART_RESULT))
		put_joined(wr, m->parts, "");
	else
		put_user_parts(wr, m);
	json_close(&wr->w->json, '}');
}

/*
 * What refers to calls has to stand right behind them, and each needs its
 * result: the caller may have left while the tool ran.
 */
static void
put_results(struct writing *wr, const struct message *m, size_t at)
{
	const struct part *p, *result;

	for (p = m->parts; p != NULL; p = p->next) {
		if (p->kind != PART_CALL)
			continue;
		result = pairing_take(&wr->pairing, p, at);
		if (result != NULL) {
			put_result(wr, result);
			continue;
		}
		json_open(&wr->w->json, '{');
		put_word(wr, "role", "tool");
		put_id(wr, "tool_call_id", p->id);
		put_word(wr, "content", "aborted");
		json_close(&wr->w->json, '}');
	}
}

static void
put_call(struct writing *wr, const struct part *call)
{
	struct json_writer *j = &wr->w->json;
	bool custom = call->custom && knows(wr, QUIRK_CUSTOM_TOOLS);
	const char *type = custom ? "custom" : "function";

	json_open(j, '{');
	put_id(wr, "id", call->id);
	put_word(wr, "type", type);
	json_key(j, type);
	json_open(j, '{');
	json_field_text(j, "name", turn_call_wire(wr->turn, call));
	weave_field(wr->w, custom ? "input" : "arguments",
	    custom ? call->arguments : turn_call_arguments(wr->turn, call));
	json_close(j, '}');
	json_close(j, '}');
}

/* DeepSeek wants its own back, if only as an empty one. */
static void
put_thoughts(struct writing *wr, const struct message *m)
{
	const struct part *p;

	if (!knows(wr, QUIRK_REASONING_BACK))
		return;
	for (p = m->parts; p != NULL; p = p->next)
		if (p->kind == PART_THINKING && p->text.len > 0)
			break;
	weave_field(wr->w, "reasoning_content",
	    p != NULL ? p->text : slice_of("\"\""));
}

static void
put_assistant(struct writing *wr, const struct message *m)
{
	struct json_writer *j = &wr->w->json;
	size_t texts = 0, calls = 0;
	const struct part *p;

	for (p = m->parts; p != NULL; p = p->next) {
		texts += readable(p).len > 0;
		calls += p->kind == PART_CALL;
	}
	if (texts + calls == 0)
		return;
	json_open(j, '{');
	put_word(wr, "role", "assistant");
	weave_field(wr->w, "name", m->name);
	json_key(j, "content");
	if (texts > 0)
		put_joined(wr, m->parts, "");
	else
		json_put_null(j);
	if (calls > 0) {
		put_thoughts(wr, m);
		json_key(j, "tool_calls");
		json_open(j, '[');
		for (p = m->parts; p != NULL; p = p->next)
			if (p->kind == PART_CALL)
				put_call(wr, p);
		json_close(j, ']');
	}
	json_close(j, '}');
}

/* A schema for who knows none; those want the word JSON there, too. */
static void
put_told_schema(struct writing *wr)
{
	weave_text(wr->w,
	    "Answer with one JSON object and nothing else. It has to follow "
	    "this JSON schema:\\n");
	json_escape(&wr->w->fresh, wr->turn->format_schema);
}

/* The leading ones as one message: many templates take no second. */
static const struct message *
put_instructions(struct writing *wr, const struct message *m)
{
	bool schema =
	    wr->turn->format == FORMAT_SCHEMA && !knows(wr, QUIRK_JSON_SCHEMA);
	bool developer = true, some = schema;
	const struct message *end;
	const char *between = "";
	const struct part *p;

	for (end = m; end != NULL && end->role <= TURN_DEVELOPER;
	     end = end->next) {
		developer &= end->role == TURN_DEVELOPER;
		some |= end->parts != NULL;
	}
	if (!some)
		return end;
	json_open(&wr->w->json, '{');
	put_word(wr, "role",
	    developer && knows(wr, QUIRK_DEVELOPER_ROLE) ? "developer"
							 : "system");
	json_key(&wr->w->json, "content");
	weave_string_begin(wr->w);
	for (; m != end; m = m->next)
		for (p = m->parts; p != NULL; p = p->next) {
			weave_text(wr->w, between);
			weave_inside(wr->w, raw_inside(readable(p)));
			between = "\\n\\n";
		}
	if (schema) {
		weave_text(wr->w, between);
		put_told_schema(wr);
	}
	weave_string_end(wr->w);
	json_close(&wr->w->json, '}');
	return end;
}

static void
put_marked(struct writing *wr, const struct part *p)
{
	weave_string_begin(wr->w);
	weave_text(wr->w, "<system>\\n");
	for (; p != NULL; p = p->next) {
		weave_inside(wr->w, raw_inside(readable(p)));
		weave_text(wr->w, "\\n");
	}
	weave_text(wr->w, "</system>");
	weave_string_end(wr->w);
}

/*
 * Later instructions keep their place; where only system is known, templates
 * often take it at the beginning alone, so the user says them, marked.
 */
static void
put_late_instructions(struct writing *wr, const struct message *m)
{
	bool knows_role = knows(wr, QUIRK_DEVELOPER_ROLE);

	if (m->parts == NULL)
		return;
	json_open(&wr->w->json, '{');
	put_word(wr, "role",
	    !knows_role                 ? "user"
	    : m->role == TURN_DEVELOPER ? "developer"
					: "system");
	json_key(&wr->w->json, "content");
	if (knows_role)
		put_joined(wr, m->parts, "");
	else
		put_marked(wr, m->parts);
	json_close(&wr->w->json, '}');
}

void
chat_write_messages(struct weave *w, const struct turn *t,
    const struct target_terms *terms)
{
	struct writing writing = { .w = w, .turn = t, .terms = terms },
		       *wr = &writing;
	const struct message *m;
	size_t at = 0;

	json_key(&w->json, "messages");
	json_open(&w->json, '[');
	m = put_instructions(wr, t->messages);
	pairing_init(&wr->pairing, t, m);
	for (; m != NULL; m = m->next, at++)
		switch (m->role) {
		case TURN_SYSTEM:
		case TURN_DEVELOPER:
			put_late_instructions(wr, m);
			break;
		case TURN_USER:
			put_user(wr, m);
			break;
		case TURN_ASSISTANT:
			put_assistant(wr, m);
			put_results(wr, m, at);
			break;
		}
	pairing_fini(&wr->pairing);
	json_close(&wr->w->json, ']');
}
