/*
 * The conversation as Messages wants it: messages of one role merged, no
 * empty ones, and behind an assistant's calls a user message that begins with
 * the result of each, whichever of the next messages it stood in.
 */
#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/format/json.h"
#include "common/format/weave.h"
#include "node/dialect/messages/messages.h"
#include "node/dialect/pairing.h"

#define ID_HASH_BYTES 4
#define ID_KEPT_MAX   48 /* of an id that has to be changed */

/* Calls whose results are due. */
struct due {
	struct due *next;
	const struct part *call;
	size_t at;
};

struct speech {
	struct messages_writing *m;
	struct pairing pairing;
	struct due *due, **due_tail;
	const char *role; /* of the message that is open, or NULL */
	size_t at;        /* number of the message being written */
};

static void
speak(struct speech *s, const char *role)
{
	struct json_writer *j = &s->m->w->json;

	if (s->role == role)
		return;
	if (s->role != NULL) {
		json_close(j, ']');
		json_close(j, '}');
	}
	s->role = role;
	if (role == NULL)
		return;
	json_open(j, '{');
	json_field_text(j, "role", slice_of(role));
	json_key(j, "content");
	json_open(j, '[');
}

static const char user[] = "user", assistant[] = "assistant",
		  system_role[] = "system";

static void
block_begin(struct messages_writing *m, const char *type)
{
	json_open(&m->w->json, '{');
	json_field_text(&m->w->json, "type", slice_of(type));
}

static void
block_end(struct messages_writing *m, const struct part *p)
{
	messages_put_mark(m, p->cache);
	json_close(&m->w->json, '}');
}

static bool
fits_id(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* What has other letters gets a hash, so that no two become one. */
static void
put_id(struct messages_writing *m, const char *key, struct slice raw)
{
	struct slice id = raw_inside(raw);
	struct buf *out = m->w->json.out;
	char hex[2 * ID_HASH_BYTES + 1];
	struct hash h;
	size_t i;

	for (i = 0; i < id.len && fits_id(id.ptr[i]); i++)
		continue;
	if (i == id.len && id.len > 0) {
		weave_field(m->w, key, raw);
		return;
	}
	h = hash_of(id.ptr, id.len);
	hex_write(hex, h.bytes, ID_HASH_BYTES);
	json_key(&m->w->json, key);
	weave_string_begin(m->w);
	for (i = 0; i < id.len && i < ID_KEPT_MAX; i++)
		buf_putc(out, fits_id(id.ptr[i]) ? id.ptr[i] : '_');
	buf_putc(out, '_');
	buf_puts(out, hex);
	weave_string_end(m->w);
}

static void
put_text(struct messages_writing *m, const struct part *p)
{
	block_begin(m, "text");
	weave_field(m->w, "text", p->text);
	block_end(m, p);
}

static void
put_thinking(struct messages_writing *m, const struct part *p)
{
	bool redacted = p->blob_kind == BLOB_REDACTED;

	/* It takes no cache mark. */
	block_begin(m, redacted ? "redacted_thinking" : "thinking");
	if (!redacted)
		weave_field(m->w, "thinking",
		    p->text.len > 0 ? p->text : slice_of("\"\""));
	weave_field(m->w, redacted ? "data" : "signature", p->blob);
	json_close(&m->w->json, '}');
}

static void
put_inside(struct weave *w, const char *key, struct slice inside)
{
	json_key(&w->json, key);
	weave_string_begin(w);
	weave_inside(w, inside);
	weave_string_end(w);
}

/* By base64 or a URL. */
static void
put_source(struct messages_writing *m, const struct part *p)
{
	struct json_writer *j = &m->w->json;
	struct slice type = p->media_type;

	json_key(j, "source");
	json_open(j, '{');
	if (p->url.len > 0) {
		json_field_text(j, "type", slice_of("url"));
		weave_field(m->w, "url", p->url);
	} else {
		/* A common mistake that others let pass. */
		if (slice_is(type, "image/jpg"))
			type = slice_of("image/jpeg");
		json_field_text(j, "type", slice_of("base64"));
		json_field_text(j, "media_type", type);
		put_inside(m->w, "data", p->data);
	}
	json_close(j, '}');
}

/* The text of a file, raw; only PDFs go as base64. */
static void
put_text_source(struct messages_writing *m, struct slice raw)
{
	struct json_writer *j = &m->w->json;

	json_key(j, "source");
	json_open(j, '{');
	json_field_text(j, "type", slice_of("text"));
	json_field_text(j, "media_type", slice_of("text/plain"));
	weave_field(m->w, "data", raw);
	json_close(j, '}');
}

/* Is there something in it that Messages takes? */
static bool
says_something(const struct part *p)
{
	switch (p->kind) {
	case PART_TEXT:
	case PART_REFUSAL:
		return !messages_blank(p->text);
	case PART_IMAGE:
	case PART_FILE:
		return p->url.len > 0 || p->data.len > 0 || p->text.len > 0;
	case PART_THINKING:
		return p->blob.len > 0 && (p->blob_kind == BLOB_SIGNATURE ||
					      p->blob_kind == BLOB_REDACTED);
	case PART_CALL:
	case PART_RESULT:
		break;
	}
	return true;
}

static void
put_image(struct messages_writing *m, const struct part *p)
{
	block_begin(m, "image");
	put_source(m, p);
	block_end(m, p);
}

static void
put_file(struct messages_writing *m, const struct part *p)
{
	struct slice text = p->text;

	if (p->data.len > 0 && slice_starts(p->media_type, "text/"))
		text = messages_text_of_base64(m->t->arena, p->data);
	block_begin(m, "document");
	if (text.len > 0)
		put_text_source(m, text);
	else
		put_source(m, p);
	weave_field(m->w, "title", p->title);
	block_end(m, p);
}

static void
put_part(struct messages_writing *m, const struct part *p)
{
	if (p->kind == PART_IMAGE)
		put_image(m, p);
	else if (p->kind == PART_FILE)
		put_file(m, p);
	else
		put_text(m, p);
}

static void
put_content(struct messages_writing *m, const struct part *p)
{
	struct json_writer *j = &m->w->json;
	bool any = false;

	for (; p != NULL; p = p->next) {
		if (!says_something(p))
			continue;
		if (!any) {
			json_key(j, "content");
			json_open(j, '[');
		}
		any = true;
		put_part(m, p);
	}
	if (any)
		json_close(j, ']');
}

static void
put_result(struct messages_writing *m, const struct part *result)
{
	block_begin(m, "tool_result");
	put_id(m, "tool_use_id", result->id);
	put_content(m, result->content);
	if (result->failed)
		json_field_bool(&m->w->json, "is_error", true);
	block_end(m, result);
}

/* The caller left while the tool ran; the API wants a result. */
static void
put_aborted(struct messages_writing *m, const struct part *call)
{
	struct json_writer *j = &m->w->json;

	block_begin(m, "tool_result");
	put_id(m, "tool_use_id", call->id);
	json_field_text(j, "content", slice_of("aborted"));
	json_field_bool(j, "is_error", true);
	json_close(j, '}');
}

static void
put_call(struct messages_writing *m, const struct part *call)
{
	block_begin(m, "tool_use");
	put_id(m, "id", call->id);
	json_field_text(&m->w->json, "name", turn_call_wire(m->t, call));
	weave_field(m->w, "input", turn_call_object(m->t, call));
	block_end(m, call);
}

static void
put_due(struct speech *s)
{
	const struct part *result;
	const struct due *d;

	for (d = s->due; d != NULL; d = d->next) {
		speak(s, user);
		result = pairing_take(&s->pairing, d->call, d->at);
		if (result != NULL)
			put_result(s->m, result);
		else
			put_aborted(s->m, d->call);
	}
	s->due = NULL;
	s->due_tail = &s->due;
}

static void
say_call(struct speech *s, const struct part *p)
{
	struct due *d = arena_new(s->m->t->arena, struct due);

	*d = (struct due){ .call = p, .at = s->at };
	*s->due_tail = d;
	s->due_tail = &d->next;
	put_call(s->m, p);
}

/* Where each kind may stand; results are said with their calls. */
static bool
belongs(enum part_kind kind, const char *role)
{
	if (kind == PART_CALL || kind == PART_THINKING)
		return role == assistant;
	if (kind == PART_IMAGE || kind == PART_FILE)
		return role == user;
	return kind != PART_RESULT;
}

/* Nothing at all is said for an empty part. */
static void
say_part(struct speech *s, const char *role, const struct part *p)
{
	if (!belongs(p->kind, role) || !says_something(p))
		return;
	speak(s, role);
	if (p->kind == PART_CALL)
		say_call(s, p);
	else if (p->kind == PART_THINKING)
		put_thinking(s->m, p);
	else
		put_part(s->m, p);
}

/*
 * A conversation of system prompts alone is none to the API: then they are
 * what the user says.
 */
static const char *
role_of(const struct message *m, bool alone)
{
	if (m->role == TURN_ASSISTANT)
		return assistant;
	return m->role == TURN_USER || alone ? user : system_role;
}

void
messages_write_history(struct messages_writing *m, const struct message *from)
{
	struct speech s = { .m = m };
	const struct message *message;
	const char *role;
	const struct part *p;

	pairing_init(&s.pairing, m->t, from);
	s.due_tail = &s.due;
	json_key(&m->w->json, "messages");
	json_open(&m->w->json, '[');
	for (message = from; message != NULL; message = message->next) {
		role = role_of(message, messages_first(m->t) == NULL);
		if (role != assistant)
			put_due(&s);
		for (p = message->parts; p != NULL; p = p->next)
			say_part(&s, role, p);
		s.at++;
	}
	put_due(&s);
	speak(&s, NULL);
	json_close(&m->w->json, ']');
	pairing_fini(&s.pairing);
}
