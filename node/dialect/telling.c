#include "node/dialect/telling.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/format/json.h"

#define UNWRAP_ARENA ((size_t)256 << 20)
#define BLOB_MAX     (4u << 20)
#define ROOM_FIRST   4 /* blocks */

const struct caller_face *
caller_face(enum dialect d)
{
	static const struct caller_face *const faces[DIALECTS] = {
		[DIALECT_CHAT] = &chat_caller,
		[DIALECT_RESPONSES] = &responses_caller,
		[DIALECT_MESSAGES] = &messages_caller,
	};

	return faces[d];
}

void
telling_init(struct telling *t, enum dialect dialect, const struct turn *turn)
{
	*t = (struct telling){ .face = caller_face(dialect), .turn = turn };
	t->keeps_text = t->face->keeps_text;
	t->model = slice_of("");
	t->sequence = slice_of("");
}

void
telling_fini(struct telling *t)
{
	unsigned i;

	for (i = 0; i < t->count; i++) {
		buf_fini(&t->blocks[i]->text);
		buf_fini(&t->blocks[i]->blob);
		free(t->blocks[i]);
	}
	free(t->blocks);
	t->blocks = NULL;
	t->count = t->room = 0;
}

/* By what the provider calls it; a name with escapes is nobody's. */
static void
know_tool(struct telling *t, struct told *b)
{
	if (!block_is_call(b->what))
		return;
	b->tool = turn_tool_by_wire(t->turn, b->name);
	if (b->tool == NULL || b->tool->kind != TOOL_CUSTOM ||
	    b->what == BLOCK_CUSTOM)
		return;
	b->wrapped = true;
	b->what = BLOCK_CUSTOM;
}

static struct told *
add_block(struct telling *t)
{
	struct told *b = xcalloc(1, sizeof(*b));

	if (t->count == t->room) {
		t->room = t->room > 0 ? 2 * t->room : ROOM_FIRST;
		t->blocks = xrealloc(t->blocks, t->room * sizeof(t->blocks[0]));
	}
	t->blocks[t->count++] = b;
	return b;
}

static void
open(struct telling *t, const struct delta *d)
{
	struct told *b;

	if (t->count == BLOCKS_MAX || d->block != t->count) {
		t->broken = true;
		return;
	}
	b = add_block(t);
	buf_init(&b->text, TELLING_TEXT_MAX);
	buf_init(&b->blob, BLOB_MAX);
	b->what = d->what;
	b->open = true;
	b->id = arena_copy(t->turn->arena, d->id);
	b->name = arena_copy(t->turn->arena, d->name);
	know_tool(t, b);
	if (!t->whole)
		t->face->open(t, b);
}

static void
text(struct telling *t, struct told *b, struct slice inside)
{
	b->some = true;
	if (t->whole || t->keeps_text)
		buf_put_slice(&b->text, inside);
	if (!t->whole)
		t->face->text(t, b, inside);
	t->broken |= b->text.failed;
}

/*
 * A freeform tool was shown to the target as a function with one string:
 * {"input":"…"} inside a string of its own.  What is no such object is given
 * as it came.
 */
static void
unwrap(struct telling *t, struct told *b)
{
	const struct json_value *root;
	struct json_error error;
	struct slice json;
	struct arena arena;
	struct buf raw;

	buf_init(&raw, b->text.len + 2);
	buf_putc(&raw, '"');
	buf_put_slice(&raw, buf_slice(&b->text));
	buf_putc(&raw, '"');
	buf_reset(&b->text);
	arena_init(&arena, UNWRAP_ARENA);
	root = json_raw_text(buf_slice(&raw), &arena, &json)
		   ? json_parse(&arena, json, &error)
		   : NULL;
	root = json_find(root, "input");
	b->wrapped = false;
	if (root != NULL && root->type == JSON_STRING)
		text(t, b, raw_inside(root->raw));
	else
		text(t, b, raw_inside(buf_slice(&raw)));
	arena_fini(&arena);
	buf_fini(&raw);
}

static void
close(struct telling *t, struct told *b)
{
	if (b->wrapped)
		unwrap(t, b);
	else if (b->what == BLOCK_CALL && !b->some)
		text(t, b, slice_of("{}"));
	b->open = false;
	if (!t->whole)
		t->face->close(t, b);
}

static struct told *
block(struct telling *t, const struct delta *d)
{
	if (d->block < t->count && t->blocks[d->block]->open)
		return t->blocks[d->block];
	t->broken = true;
	return NULL;
}

static void
on_block(struct telling *t, struct told *b, const struct delta *d)
{
	if (b == NULL)
		return;
	t->bytes += d->text.len;
	t->broken |= t->bytes > TELLING_TEXT_MAX;
	if (t->broken)
		return;
	if (d->kind == DELTA_CLOSE) {
		close(t, b);
	} else if (d->kind == DELTA_BLOB) {
		b->blob_kind = d->blob_kind;
		buf_put_slice(&b->blob, d->text);
		t->broken |= b->blob.failed;
	} else if (b->wrapped) {
		buf_put_slice(&b->text, d->text);
		t->broken |= b->text.failed;
	} else {
		text(t, b, d->text);
	}
}

void
telling_take(void *arg, const struct delta *d)
{
	struct telling *t = arg;

	if (t->broken || t->finished)
		return;
	switch (d->kind) {
	case DELTA_START:
		t->started = true;
		t->model = arena_copy(t->turn->arena, d->text);
		if (!t->whole)
			t->face->start(t);
		return;
	case DELTA_OPEN:
		open(t, d);
		return;
	case DELTA_TEXT:
	case DELTA_BLOB:
	case DELTA_CLOSE:
		on_block(t, block(t, d), d);
		return;
	case DELTA_FINISH:
		t->finished = true;
		t->finish = d->finish;
		t->sequence = arena_copy(t->turn->arena, d->text);
		return;
	}
}

void
telling_end(struct telling *t, const struct usage *usage)
{
	assert(t->finished);
	if (t->whole)
		t->face->whole(t, usage);
	else
		t->face->end(t, usage);
}

struct slice
told_name(const struct told *b)
{
	return b->tool != NULL ? raw_inside(b->tool->name) : b->name;
}

bool
telling_has(const struct telling *t, enum block_kind what)
{
	unsigned i;

	for (i = 0; i < t->count; i++)
		if (t->blocks[i]->what == what)
			return true;
	return false;
}

void
telling_event(struct telling *t, const char *type)
{
	buf_puts(t->out, "event: ");
	buf_puts(t->out, type);
	buf_puts(t->out, "\ndata: {\"type\":\"");
	buf_puts(t->out, type);
	buf_putc(t->out, '"');
}
