#include "node/policy/choice.h"

#include <assert.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/utf8.h"
#include "common/format/json.h"

/* A tree of the longest answer: nothing but empty lists. */
#define ARENA_BYTES ((size_t)8 << 20)
/* Of a text that is none of ours, in a reason. */
#define QUOTED_BYTES 80

/* What a parse goes along with. */
struct parse {
	struct choice *choice;
	const struct choice_names *among;
	struct arena arena;
	struct buf *why;
};

static void
put_quoted(struct buf *out, struct slice text)
{
	const char *at = text.ptr, *end = at + text.len;
	const char *stop = at + min_size(text.len, QUOTED_BYTES);
	size_t len;

	buf_putc(out, '\'');
	for (; at < stop; at += len) {
		len = utf8_char(at, end);
		if (len > 1 || (len == 1 && *at >= ' ' && *at != 0x7f))
			buf_put(out, at, len);
		else
			buf_putc(out, '?');
		len += len == 0;
	}
	buf_puts(out, at < end ? "…'" : "'");
}

static const char *
type_text(const struct json_value *v)
{
	static const char *const names[] = { "null", "false", "true",
		"a number", "a text", "a list", "an object" };

	return names[v->type];
}

static bool
is_taken(const struct choice *c, size_t target)
{
	size_t i;

	for (i = 0; i < c->count; i++)
		if (c->order[i] == target)
			return true;
	return false;
}

static bool
take_target(struct parse *p, const struct json_value *item)
{
	struct slice name;
	size_t i;

	if (!json_text(item, &p->arena, &name)) {
		buf_printf(p->why, "has %s in its order, where names belong",
		    type_text(item));
		return false;
	}
	for (i = 0; i < p->among->count; i++)
		if (slice_eq(p->among->names[i], name))
			break;
	if (i < p->among->count && !is_taken(p->choice, i)) {
		p->choice->order[p->choice->count++] = i;
		return true;
	}
	buf_puts(p->why, "names ");
	put_quoted(p->why, name);
	buf_puts(p->why, i < p->among->count
			     ? " twice"
			     : ", which is not among the eligible targets");
	return false;
}

static bool
take_order(struct parse *p, const struct json_value *order)
{
	const struct json_value *item;

	if (order == NULL || order->type != JSON_ARRAY) {
		buf_printf(p->why, "has %s as its order, where a list belongs",
		    order == NULL ? "nothing" : type_text(order));
		return false;
	}
	if (order->count == 0) {
		buf_puts(p->why, "has an empty order");
		return false;
	}
	for (item = order->first; item != NULL; item = item->next)
		if (!take_target(p, item))
			return false;
	return true;
}

static bool
may_note(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr(" _.,:-", c) != NULL);
}

static bool
take_note(struct parse *p, const struct json_value *note)
{
	struct slice text;
	size_t i;

	if (note == NULL)
		return true;
	if (!json_text(note, &p->arena, &text)) {
		buf_printf(p->why, "has %s as its note, where a text belongs",
		    type_text(note));
		return false;
	}
	for (i = 0; i < text.len && i <= CHOICE_NOTE_CHARS; i++)
		if (!may_note(text.ptr[i]))
			break;
	if (i < text.len || text.len > CHOICE_NOTE_CHARS) {
		buf_printf(p->why,
		    "has a note that is not up to %d letters, digits, spaces "
		    "and _.,:-",
		    CHOICE_NOTE_CHARS);
		return false;
	}
	memcpy(p->choice->note, text.ptr, text.len);
	return true;
}

static bool
take_object(struct parse *p, const struct json_value *answer)
{
	const struct json_value *member;

	for (member = answer->first; member != NULL; member = member->next) {
		if (slice_is(member->name, "order") ||
		    slice_is(member->name, "note"))
			continue;
		buf_puts(p->why, "has ");
		put_quoted(p->why, member->name);
		buf_puts(p->why, ", which is neither order nor note");
		return false;
	}
	return take_order(p, json_find(answer, "order")) &&
	       take_note(p, json_find(answer, "note"));
}

static bool
take_answer(struct parse *p, struct slice text)
{
	const struct json_value *answer;
	struct json_error error;

	if (text.len > CHOICE_BYTES_MAX) {
		buf_puts(p->why, "is longer than 64 KiB");
		return false;
	}
	answer = json_parse(&p->arena, text, &error);
	if (answer == NULL) {
		buf_printf(p->why, "is not JSON: %s at byte %zu", error.why,
		    error.at);
		return false;
	}
	if (answer->type == JSON_ARRAY)
		return take_order(p, answer);
	if (answer->type == JSON_OBJECT)
		return take_object(p, answer);
	buf_printf(p->why, "is %s, where a list of names belongs",
	    type_text(answer));
	return false;
}

bool
choice_parse(struct choice *c, struct slice answer,
    const struct choice_names *among, struct buf *why)
{
	struct parse p = { .choice = c, .among = among, .why = why };
	bool taken;

	assert(among->count <= TARGETS_MAX);
	memset(c, 0, sizeof(*c));
	arena_init(&p.arena, ARENA_BYTES);
	taken = take_answer(&p, answer);
	arena_fini(&p.arena);
	return taken;
}
