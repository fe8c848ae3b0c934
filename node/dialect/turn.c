#include "node/dialect/turn.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/format/json.h"

#define WIRE_NAME_MAX   64 /* what providers take */
#define WIRE_HASH_BYTES 4
#define URL_HEAD_MAX    128 /* of a data URL, up to its comma */

/* Of one call's arguments; what has more values is no object to us. */
#define ARGUMENTS_TREE_MAX ((size_t)64 << 20)

void
turn_init(struct turn *t, struct arena *arena, enum dialect from)
{
	*t = (struct turn){ .arena = arena, .from = from };
	t->tail = &t->messages;
	t->tools_tail = &t->tools;
}

static struct message *
new_message(struct turn *t, enum turn_role role)
{
	struct message *m = arena_new(t->arena, struct message);

	m->role = role;
	m->tail = m->results = &m->parts;
	t->messages_count++;
	return m;
}

struct message *
turn_message(struct turn *t, enum turn_role role)
{
	struct message *m = new_message(t, role);

	*t->tail = m;
	t->tail = &m->next;
	t->last = m;
	return m;
}

struct message *
turn_go_on(struct turn *t, enum turn_role role)
{
	if (t->last != NULL && t->last->role == role)
		return t->last;
	return turn_message(t, role);
}

struct message *
turn_results(struct turn *t)
{
	if (t->last == NULL || t->last->role != TURN_USER ||
	    t->last->beyond_results)
		return turn_message(t, TURN_USER);
	return t->last;
}

static struct part *
new_part(struct turn *t, enum part_kind kind, struct part ***tail)
{
	struct part *p = arena_new(t->arena, struct part);

	p->kind = kind;
	p->content_tail = &p->content;
	**tail = p;
	*tail = &p->next;
	return p;
}

struct part *
turn_part(struct turn *t, struct message *m, enum part_kind kind)
{
	struct part *p = new_part(t, kind, &m->tail);

	m->beyond_results |= kind != PART_RESULT;
	if (!m->beyond_results)
		m->results = m->tail;
	return p;
}

/* The user message behind that one; a new one when there is none. */
static struct message *
answer_to_calls(struct turn *t, struct message *m)
{
	struct message *behind = m->next;

	if (behind == NULL)
		return turn_message(t, TURN_USER);
	if (behind->role == TURN_USER)
		return behind;
	m->next = new_message(t, TURN_USER);
	m->next->next = behind;
	return m->next;
}

struct part *
turn_late_result(struct turn *t, struct message *m)
{
	struct message *to = answer_to_calls(t, m);
	struct part *behind = *to->results;
	struct part *p = new_part(t, PART_RESULT, &to->results);

	p->next = behind;
	if (behind == NULL)
		to->tail = to->results;
	return p;
}

struct part *
turn_result_part(struct turn *t, struct part *result, enum part_kind kind)
{
	assert(result->kind == PART_RESULT);
	return new_part(t, kind, &result->content_tail);
}

/* Does the byte go on a character that has begun before? */
static bool
is_amid(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* "space__name"; of a longer one the end becomes a hash of all of it. */
static struct slice
wire_name(struct arena *arena, struct slice name, struct slice space)
{
	struct slice plain, before = slice_of("");
	struct slice whole;
	struct hash h;
	char hex[2 * WIRE_HASH_BYTES + 1];

	if (!json_raw_text(name, arena, &plain))
		plain = slice_of("");
	if (space.len == 0 || !json_raw_text(space, arena, &before))
		before = slice_of("");
	whole = before.len == 0 ? plain
				: slice_of(arena_printf(arena, "%.*s__%.*s",
				      SLICE_FMT(before), SLICE_FMT(plain)));
	if (whole.len <= WIRE_NAME_MAX)
		return whole;
	h = hash_of(whole.ptr, whole.len);
	hex_write(hex, h.bytes, WIRE_HASH_BYTES);
	whole.len = WIRE_NAME_MAX - sizeof(hex);
	while (whole.len > 0 && is_amid(whole.ptr[whole.len]))
		whole.len--;
	return slice_of(arena_printf(arena, "%.*s_%s", SLICE_FMT(whole), hex));
}

struct tool *
turn_tool(struct turn *t, enum tool_kind kind, struct slice name,
    struct slice space)
{
	struct slice wire = wire_name(t->arena, name, space);
	struct tool **at = &t->tools, *tool = arena_new(t->arena, struct tool);

	t->tools_named++;
	/* Named twice, as by additional_tools: the later one, in its place. */
	while (*at != NULL && !slice_eq((*at)->wire, wire))
		at = &(*at)->next;
	if (*at != NULL)
		tool->next = (*at)->next;
	else
		t->tools_count++;
	tool->kind = kind;
	tool->name = name;
	tool->space = space;
	tool->wire = wire;
	*at = tool;
	while (*t->tools_tail != NULL)
		t->tools_tail = &(*t->tools_tail)->next;
	if (t->chosen != NULL && slice_eq(t->chosen->wire, wire))
		t->chosen = tool;
	return tool;
}

const struct tool *
turn_tool_by_wire(const struct turn *t, struct slice wire)
{
	const struct tool *tool;

	for (tool = t->tools; tool != NULL; tool = tool->next)
		if (slice_eq(tool->wire, wire))
			return tool;
	return NULL;
}

const struct tool *
turn_tool_named(const struct turn *t, struct slice name, struct slice space)
{
	const struct tool *tool;

	for (tool = t->tools; tool != NULL; tool = tool->next)
		if (slice_eq(tool->name, name) &&
		    (space.len == 0 || slice_eq(tool->space, space)))
			return tool;
	return NULL;
}

struct slice
turn_call_wire(const struct turn *t, const struct part *call)
{
	const struct tool *tool = turn_tool_named(t, call->name, call->space);

	return tool != NULL ? tool->wire
			    : wire_name(t->arena, call->name, call->space);
}

static struct slice
wrapped(const struct turn *t, const char *key, struct slice raw)
{
	return slice_of(
	    arena_printf(t->arena, "{\"%s\":%.*s}", key, SLICE_FMT(raw)));
}

/* A text as a raw JSON string. */
static struct slice
quoted(const struct turn *t, struct slice text)
{
	struct buf b;
	struct slice raw;

	buf_init(&b, 6 * text.len + 2);
	json_put_text(&(struct json_writer){ .out = &b }, text);
	raw = arena_copy(t->arena, buf_slice(&b));
	buf_fini(&b);
	return raw;
}

/* The object that the text is, or empty; its tree is not kept. */
static struct slice
object_in(struct slice text)
{
	const struct json_value *v;
	struct slice raw = { NULL, 0 };
	struct json_error error;
	struct arena arena;

	arena_init(&arena, ARGUMENTS_TREE_MAX);
	v = json_parse(&arena, text, &error);
	if (v != NULL && v->type == JSON_OBJECT)
		raw = v->raw;
	arena_fini(&arena);
	return raw;
}

struct slice
turn_call_object(const struct turn *t, const struct part *call)
{
	struct slice text, object;

	if (call->input.len > 0)
		return call->input;
	if (call->custom)
		return wrapped(t, "input", call->arguments);
	if (!json_raw_text(call->arguments, t->arena, &text) || text.len == 0)
		return slice_of("{}");
	object = object_in(text);
	return object.len > 0 ? object : wrapped(t, "_raw", call->arguments);
}

struct slice
turn_call_arguments(const struct turn *t, const struct part *call)
{
	if (call->custom || call->arguments.len == 0)
		return quoted(t, turn_call_object(t, call));
	return call->arguments;
}

/* Up to the comma, unescaped: some writers escape the slash. */
static struct slice
data_head(struct turn *t, struct slice inside, size_t *after)
{
	const char *comma =
	    memchr(inside.ptr, ',', min_size(inside.len, URL_HEAD_MAX));
	struct slice head = { NULL, 0 };

	if (comma == NULL)
		return head;
	*after = (size_t)(comma - inside.ptr) + 1;
	if (!json_raw_text(slice_of(arena_printf(t->arena, "\"%.*s\"",
			       (int)(*after - 1), inside.ptr)),
		t->arena, &head))
		head.len = 0;
	return head;
}

#define BASE64_MARK ";base64"

bool
turn_take_url(struct turn *t, struct part *p, struct slice raw)
{
	struct slice inside = raw_inside(raw), head, plain;
	size_t after = 0, mark = sizeof(BASE64_MARK) - 1;

	if (!slice_starts(inside, "data:")) {
		plain = inside;
		plain.len = min_size(plain.len, 8);
		p->url = raw;
		return slice_starts(plain, "http:") ||
		       slice_starts(plain, "https:");
	}
	head = slice_after(data_head(t, inside, &after), 5);
	if (head.len < mark ||
	    memcmp(head.ptr + head.len - mark, BASE64_MARK, mark) != 0)
		return false;
	p->media_type = slice_make(head.ptr, head.len - mark);
	p->data = slice_after(inside, after);
	return p->media_type.len > 0;
}
