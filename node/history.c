#include "node/history.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/base/memory.h"
#include "common/format/json.h"
#include "node/entry.h"

#define PREVIOUS "previous_response_id"

struct history {
	struct archive *archive;
};

struct history *
history_open(struct ledger *ledger, const struct secret *identity)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->archive = archive_open(ledger, identity);
	return h;
}

void
history_close(struct history *h)
{
	if (h == NULL)
		return;
	archive_close(h->archive);
	free(h);
}

void
history_sweep(struct history *h, int64_t now_us)
{
	archive_sweep(h->archive, now_us);
}

void
history_keep(struct history *h, struct ledger_turn *t,
    const struct history_entry *e)
{
	entry_put(h->archive, t, e);
}

static bool
is_there(const struct json_value *v)
{
	return v != NULL && v->type != JSON_NULL;
}

static bool
has_reference(const struct json_value *input)
{
	const struct json_value *item;

	if (input == NULL || input->type != JSON_ARRAY)
		return false;
	for (item = input->first; item != NULL; item = item->next)
		if (entry_is_reference(item))
			return true;
	return false;
}

bool
history_wants(const struct json_value *root)
{
	return is_there(json_find(root, PREVIOUS)) ||
	       has_reference(json_find(root, "input"));
}

/* An entry of the chain. */
struct turn {
	struct entry entry;
	struct turn *next; /* the one after it */
};

/* A body while it is being expanded. */
struct expansion {
	struct history_ask *ask;
	struct entry_reader reader;
	struct arena loaded; /* entries, and what was parsed of them */
	struct map items;    /* of parsed entries, by their ids */
	struct turn *oldest;
	struct buf own; /* the request's own items, as an array */
	struct buf body;
	size_t input_at, input_len; /* in the body */
	const char *why;
};

#define LOADED_BYTES ((size_t)64 << 20)
#define ID_SHOWN_MAX 96
#define WHY_MAX      512

static enum history_result
refuse(struct expansion *x, enum history_result result, const char *why)
{
	x->why = why;
	return result;
}

static enum history_result
too_large(struct expansion *x)
{
	return refuse(x, HISTORY_TOO_LARGE,
	    "the kept conversation and the new input are too large together");
}

/* Ids are made of these; anything else is not repeated to the caller. */
static bool
is_id(struct slice id)
{
	static const char marks[] = "_-.:";
	size_t i;

	for (i = 0; i < id.len; i++) {
		char c = id.ptr[i], lower = (char)(c | 0x20);

		if ((lower < 'a' || lower > 'z') && (c < '0' || c > '9') &&
		    (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return id.len > 0 && id.len <= ID_SHOWN_MAX;
}

static enum history_result
unknown(struct expansion *x, const char *what, struct slice id,
    const char *cure)
{
	if (!is_id(id))
		id = slice_of("(its id)");
	if (!arena_fits(x->ask->arena, WHY_MAX))
		return refuse(x, HISTORY_UNKNOWN, cure);
	return refuse(x, HISTORY_UNKNOWN,
	    arena_printf(x->ask->arena,
		"%s %.*s is not known here or has expired; %s", what,
		SLICE_FMT(id), cure));
}

/* From the response that the caller names back to the first. */
static enum history_result
load_chain(struct expansion *x, struct slice id)
{
	size_t bytes = 0, depth = 0;
	struct slice asked = id;
	enum archive_result result;
	struct turn *turn;

	for (; id.len > 0; id = turn->entry.previous) {
		if (depth++ == HISTORY_CHAIN_MAX ||
		    !arena_fits(&x->loaded, sizeof(*turn)))
			return too_large(x);
		turn = arena_new(&x->loaded, struct turn);
		result = entry_get(&x->reader,
		    (struct archive_name){ ENTRY_RESPONSE, id }, &turn->entry);
		if (result == ARCHIVE_GONE)
			return unknown(x, PREVIOUS, asked,
			    "send the whole conversation with store:false");
		bytes += turn->entry.input.len + turn->entry.output.len;
		if (result == ARCHIVE_TOO_LARGE ||
		    bytes > x->ask->max_body_bytes)
			return too_large(x);
		turn->next = x->oldest;
		x->oldest = turn;
	}
	return HISTORY_EXPANDED;
}

static bool
add_items(struct expansion *x, struct slice items)
{
	const struct json_value *list, *item;
	struct json_error error;
	struct slice id;

	list = json_parse(&x->loaded, items, &error);
	if (list == NULL)
		return false;
	for (item = list->first; item != NULL; item = item->next)
		if (json_text(json_find(item, "id"), &x->loaded, &id) &&
		    id.len > 0)
			map_put(&x->items, id, (void *)(uintptr_t)item);
	return true;
}

static enum history_result
put_item(struct expansion *x, const struct json_value *reference)
{
	const struct json_value *item;
	enum archive_result result;
	struct entry entry;
	struct slice id;

	if (!json_text(json_find(reference, "id"), &x->loaded, &id))
		return refuse(x, HISTORY_INVALID,
		    ENTRY_REFERENCE " must have the id of an item");
	item = map_find(&x->items, id);
	if (item == NULL) {
		result = entry_get(&x->reader,
		    (struct archive_name){ ENTRY_ITEM, id }, &entry);
		if (result == ARCHIVE_TOO_LARGE ||
		    (result == ARCHIVE_READ &&
			(!add_items(x, entry.input) ||
			    !add_items(x, entry.output))))
			return too_large(x);
		item = map_find(&x->items, id);
	}
	if (item == NULL)
		return unknown(x, ENTRY_REFERENCE, id,
		    "send the item itself, with store:false");
	buf_put_slice(&x->own, item->raw);
	return HISTORY_EXPANDED;
}

static enum history_result
own_items(struct expansion *x, const struct json_value *input)
{
	enum history_result result = HISTORY_EXPANDED;
	const struct json_value *item;

	buf_putc(&x->own, '[');
	if (is_there(input) && input->type == JSON_STRING) {
		buf_puts(&x->own,
		    "{\"type\":\"message\",\"role\":\"user\",\"content\":");
		buf_put_slice(&x->own, input->raw);
		buf_putc(&x->own, '}');
	} else if (is_there(input) && input->type != JSON_ARRAY) {
		return refuse(x, HISTORY_INVALID,
		    "input must be a string or an array of items");
	}
	item = input != NULL ? input->first : NULL;
	for (; item != NULL && result == HISTORY_EXPANDED; item = item->next) {
		if (item != input->first)
			buf_putc(&x->own, ',');
		if (entry_is_reference(item))
			result = put_item(x, item);
		else
			buf_put_slice(&x->own, item->raw);
	}
	buf_putc(&x->own, ']');
	return result == HISTORY_EXPANDED && x->own.failed ? too_large(x)
							   : result;
}

static const char *
skip_space(const char *at)
{
	while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n')
		at++;
	return at;
}

/* The items of an array, behind those that are there. */
static void
put_inside(struct buf *out, struct slice array, bool *first)
{
	const char *from = skip_space(array.ptr + 1);
	const char *end = array.ptr + array.len - 1;

	if (from == end)
		return;
	if (!*first)
		buf_putc(out, ',');
	*first = false;
	buf_put(out, from, (size_t)(end - from));
}

static void
put_input(struct expansion *x)
{
	const struct turn *turn;
	bool first = true;

	x->input_at = x->body.len;
	buf_putc(&x->body, '[');
	for (turn = x->oldest; turn != NULL; turn = turn->next) {
		put_inside(&x->body, turn->entry.input, &first);
		put_inside(&x->body, turn->entry.output, &first);
	}
	put_inside(&x->body, buf_slice(&x->own), &first);
	buf_putc(&x->body, ']');
	x->input_len = x->body.len - x->input_at;
}

/* Other members keep their bytes. */
static void
put_body(struct expansion *x)
{
	const struct json_value *root = x->ask->root, *v;
	const char *key = skip_space(root->raw.ptr + 1), *end;
	char before = '{';

	for (v = root->first; v != NULL; v = v->next) {
		end = v->raw.ptr + v->raw.len;
		if (!slice_is(v->name, PREVIOUS)) {
			buf_putc(&x->body, before);
			before = ',';
			buf_put(&x->body, key, (size_t)(v->raw.ptr - key));
			if (slice_is(v->name, "input"))
				put_input(x);
			else
				buf_put_slice(&x->body, v->raw);
		}
		if (v->next != NULL)
			key = skip_space(skip_space(end) + 1);
	}
	if (json_find(root, "input") == NULL) {
		buf_putc(&x->body, before);
		buf_puts(&x->body, "\"input\":");
		put_input(x);
	}
	buf_putc(&x->body, '}');
}

/* Without former turns the body's input is what is the request's own. */
static enum history_result
finish(struct expansion *x, struct slice *body)
{
	struct arena *arena = x->ask->arena;

	put_body(x);
	if (x->body.failed || !arena_fits(arena, x->body.len + x->own.len + 64))
		return too_large(x);
	*body = arena_copy(arena, buf_slice(&x->body));
	x->ask->items = x->oldest == NULL
			    ? slice_make(body->ptr + x->input_at, x->input_len)
			    : arena_copy(arena, buf_slice(&x->own));
	return HISTORY_EXPANDED;
}

static enum history_result
stay_same(struct expansion *x, const struct json_value *input,
    struct slice *body)
{
	*body = x->ask->root->raw;
	if (is_there(input) && input->type == JSON_ARRAY)
		x->ask->items = input->raw;
	else if (!arena_fits(x->ask->arena, x->own.len + 1))
		return too_large(x);
	else
		x->ask->items = arena_copy(x->ask->arena, buf_slice(&x->own));
	return HISTORY_SAME;
}

static enum history_result
expand(struct expansion *x, struct slice *body)
{
	struct history_ask *ask = x->ask;
	const struct json_value *input = json_find(ask->root, "input");
	const struct json_value *previous = json_find(ask->root, PREVIOUS);
	enum history_result result = HISTORY_EXPANDED;

	if (is_there(previous) &&
	    (!json_text(previous, ask->arena, &ask->previous) ||
		ask->previous.len == 0))
		return refuse(x, HISTORY_INVALID,
		    PREVIOUS " must be the id of a response");
	if (ask->previous.len > 0)
		result = load_chain(x, ask->previous);
	if (result == HISTORY_EXPANDED)
		result = own_items(x, input);
	if (result != HISTORY_EXPANDED)
		return result;
	return history_wants(ask->root) ? finish(x, body)
					: stay_same(x, input, body);
}

enum history_result
history_expand(struct history *h, struct history_ask *ask, struct slice *body,
    const char **why)
{
	struct expansion x = {
		.ask = ask,
		.reader = { .archive = h->archive,
		    .owner = archive_owner(h->archive, ask->caller, ask->group),
		    .now_us = ask->now_us,
		    .arena = &x.loaded },
		.why = "",
	};
	enum history_result result;

	ask->previous = ask->items = slice_make(NULL, 0);
	arena_init(&x.loaded, LOADED_BYTES);
	map_init(&x.items);
	buf_init(&x.own, ask->max_body_bytes);
	buf_init(&x.body, ask->max_body_bytes);
	result = expand(&x, body);
	*why = x.why;
	buf_fini(&x.body);
	buf_fini(&x.own);
	map_fini(&x.items);
	arena_fini(&x.loaded);
	return result;
}
