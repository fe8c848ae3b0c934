#include "common/export/entry.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/memory.h"
#include "common/export/kind.h"
#include "common/format/json.h"
#include "common/format/moment.h"

#define ID_PREFIX "req_"

void
entry_room_init(struct entry_room *room)
{
	buf_init(&room->text, EXPORT_LINE_MAX);
	buf_init(&room->message, RECEIPT_MAX);
	room->arena = xmalloc(sizeof(*room->arena));
	arena_init(room->arena, ENTRY_ARENA_MAX);
}

void
entry_room_fini(struct entry_room *room)
{
	buf_fini(&room->text);
	buf_fini(&room->message);
	arena_fini(room->arena);
	free(room->arena);
}

static bool
is_null(struct slice raw)
{
	return slice_is(raw, "null");
}

static bool
read_id(struct slice text, struct id *id)
{
	return slice_starts(text, ID_PREFIX) &&
	       id_parse(id, slice_after(text, strlen(ID_PREFIX)));
}

static bool
read_number(const struct column *c, const struct json_member *m,
    struct arena *arena, int64_t *number)
{
	struct slice text;

	if (c->type == COLUMN_BOOL) {
		*number = m->type == JSON_TRUE;
		return true; /* what it was is compared */
	}
	if (c->type != COLUMN_TIME)
		return json_raw_int(m->raw, number);
	*number = 0;
	return is_null(m->raw) || (json_raw_text(m->raw, arena, &text) &&
				      moment_parse(text, number));
}

static bool
read_cell(const struct column *c, const struct json_member *m,
    struct arena *arena, void *row)
{
	void *cell = (char *)row + c->offset;
	struct slice text;
	int64_t number;

	switch (c->type) {
	case COLUMN_ID:
		return json_raw_text(m->raw, arena, &text) &&
		       read_id(text, cell);
	case COLUMN_TEXT:
		return json_raw_text(m->raw, arena, cell);
	case COLUMN_HASH:
		return is_null(m->raw) ||
		       (json_raw_text(m->raw, arena, &text) &&
			   hex_parse(cell, HASH_BYTES, text));
	default:
		if (!read_number(c, m, arena, &number))
			return false;
		memcpy(cell, &number, sizeof(number));
		return true;
	}
}

/* All of it, or up to a column's end and then the brace. */
static bool
is_written_so(struct slice line, struct slice written)
{
	if (line.len < 2 || line.len > written.len ||
	    memcmp(line.ptr, written.ptr, line.len - 1) != 0 ||
	    line.ptr[line.len - 1] != '}')
		return false;
	return line.len == written.len || written.ptr[line.len - 1] == ',';
}

static bool
read_members(enum row_kind kind, const struct json_index *index,
    struct arena *arena, void *row)
{
	const struct column *columns;
	size_t count, i;

	columns = row_columns(kind, &count);
	if (index->count == 0 || index->count > count)
		return false;
	for (i = 0; i < index->count; i++)
		if (!slice_is(index->members[i].name, columns[i].name) ||
		    !read_cell(&columns[i], &index->members[i], arena, row))
			return false;
	return true;
}

bool
entry_row(enum row_kind kind, struct slice line, struct entry_room *room,
    void *row)
{
	struct json_writer w = { .out = &room->text };
	struct json_error error;
	struct json_index index;

	if (line.len > EXPORT_LINE_MAX)
		return false;
	arena_fini(room->arena);
	buf_reset(&room->text);
	memset(row, 0, row_struct_bytes(kind));
	/* Unescaped text is no longer than the line. */
	if (line.len > ENTRY_ARENA_MAX / 2 ||
	    !json_index(&index, room->arena, line, &error) ||
	    !read_members(kind, &index, room->arena, row))
		return false;
	row_json(kind, row, &w);
	return !room->text.failed &&
	       is_written_so(line, buf_slice(&room->text));
}

bool
entry_outbox(struct slice line, struct entry_room *room, struct outbox_entry *e)
{
	struct json_index index;
	struct json_error error;
	struct slice chain;

	arena_fini(room->arena);
	buf_reset(&room->text);
	if (line.len > ENTRY_ARENA_MAX / 2 ||
	    !json_index(&index, room->arena, line, &error) ||
	    index.count != 3 ||
	    !json_raw_text(index.members[0].raw, room->arena, &e->origin) ||
	    !json_raw_text(index.members[1].raw, room->arena, &chain) ||
	    chain.len != sizeof(e->chain) - 1 ||
	    !json_raw_int(index.members[2].raw, &e->seq) || e->seq < 1)
		return false;
	memcpy(e->chain, chain.ptr, chain.len);
	e->chain[chain.len] = '\0';
	outbox_entry_write(&room->text, e);
	return !room->text.failed && room->text.len == line.len + 1 &&
	       memcmp(room->text.data, line.ptr, line.len) == 0;
}

/* What stands between the quotes of `sealed`, and what comes behind. */
static bool
split(struct slice line, struct slice *sealed, struct slice *columns)
{
	const char *end;

	if (!slice_starts(line, SEALED_KEY))
		return false;
	*sealed = slice_after(line, strlen(SEALED_KEY));
	end = sealed->len > 0 ? memchr(sealed->ptr, '"', sealed->len) : NULL;
	if (end == NULL)
		return false;
	sealed->len = (size_t)(end - sealed->ptr);
	*columns = slice_after(line, strlen(SEALED_KEY) + sealed->len + 1);
	return true;
}

static bool
unpack(struct slice sealed, struct buf *message)
{
	size_t len = sealed.len * 3 / 4;
	uint8_t *room;

	buf_reset(message);
	room = buf_room(message, len);
	if (room == NULL || !base64_parse(room, len, sealed))
		return false;
	buf_grow(message, len);
	return true;
}

static bool
are_columns_of(struct slice columns, enum row_kind kind, const void *row,
    struct buf *text)
{
	struct json_writer w = { .out = text, .comma = true };

	buf_reset(text);
	row_json_fields(kind, row, &w);
	buf_putc(text, '}');
	return !text->failed && is_written_so(columns, buf_slice(text));
}

bool
entry_receipt(struct slice line, struct entry_room *room, struct receipt *r)
{
	struct slice sealed, columns;

	return split(line, &sealed, &columns) &&
	       unpack(sealed, &room->message) &&
	       receipt_read(r, buf_slice(&room->message)) &&
	       are_columns_of(columns, ROW_RECEIPT, &r->row, &room->text);
}

bool
entry_checkpoint(struct slice line, struct entry_room *room,
    struct checkpoint *c)
{
	struct slice sealed, columns;

	return split(line, &sealed, &columns) &&
	       unpack(sealed, &room->message) &&
	       checkpoint_read(c, buf_slice(&room->message)) &&
	       are_columns_of(columns, ROW_CHECKPOINT, &c->row, &room->text);
}
