#include "common/store/row.h"

#include <assert.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/format/json.h"
#include "common/format/pack.h"

/* Goes up when a column changes its meaning; a new last column needs none. */
#define ROW_SCHEMA 1

#define COLUMN_OF(kind, column, kind_of, text)                                 \
	{ #column, COLUMN_##kind_of, offsetof(struct kind, column), text },

static const struct column request_columns[] = {
#define REQUEST_COLUMN(name, type, text)                                       \
	COLUMN_OF(request_row, name, type, text)
#include "common/store/row.def"
#undef REQUEST_COLUMN
};

static const struct column attempt_columns[] = {
#define ATTEMPT_COLUMN(name, type, text)                                       \
	COLUMN_OF(attempt_row, name, type, text)
#include "common/store/row.def"
#undef ATTEMPT_COLUMN
};

static const struct column receipt_columns[] = {
#define RECEIPT_COLUMN(name, type, text)                                       \
	COLUMN_OF(receipt_row, name, type, text)
#include "common/store/row.def"
#undef RECEIPT_COLUMN
};

static const struct column decision_columns[] = {
#define DECISION_COLUMN(name, type, text)                                      \
	COLUMN_OF(decision_row, name, type, text)
#include "common/store/row.def"
#undef DECISION_COLUMN
};

static const struct column candidate_columns[] = {
#define CANDIDATE_COLUMN(name, type, text)                                     \
	COLUMN_OF(candidate_row, name, type, text)
#include "common/store/row.def"
#undef CANDIDATE_COLUMN
};

static const struct column evidence_columns[] = {
#define EVIDENCE_COLUMN(name, type, text)                                      \
	COLUMN_OF(evidence_row, name, type, text)
#include "common/store/row.def"
#undef EVIDENCE_COLUMN
};

static const struct column event_columns[] = {
#define EVENT_COLUMN(name, type, text) COLUMN_OF(event_row, name, type, text)
#include "common/store/row.def"
#undef EVENT_COLUMN
};

static const struct column checkpoint_columns[] = {
#define CHECKPOINT_COLUMN(name, type, text)                                    \
	COLUMN_OF(checkpoint_row, name, type, text)
#include "common/store/row.def"
#undef CHECKPOINT_COLUMN
};

static const struct column audit_columns[] = {
#define AUDIT_COLUMN(name, type, text) COLUMN_OF(audit_row, name, type, text)
#include "common/store/row.def"
#undef AUDIT_COLUMN
};

struct kind {
	const char *name;
	const struct column *columns;
	size_t count, bytes; /* of the struct */
};

static const struct kind kinds[ROW_KINDS] = {
	[ROW_REQUEST] = { "request", request_columns, count_of(request_columns),
	    sizeof(struct request_row) },
	[ROW_ATTEMPT] = { "attempt", attempt_columns, count_of(attempt_columns),
	    sizeof(struct attempt_row) },
	[ROW_RECEIPT] = { "receipt", receipt_columns, count_of(receipt_columns),
	    sizeof(struct receipt_row) },
	[ROW_DECISION] = { "decision", decision_columns,
	    count_of(decision_columns), sizeof(struct decision_row) },
	[ROW_CANDIDATE] = { "candidate", candidate_columns,
	    count_of(candidate_columns), sizeof(struct candidate_row) },
	[ROW_EVIDENCE] = { "evidence", evidence_columns,
	    count_of(evidence_columns), sizeof(struct evidence_row) },
	[ROW_EVENT] = { "event", event_columns, count_of(event_columns),
	    sizeof(struct event_row) },
	[ROW_CHECKPOINT] = { "checkpoint", checkpoint_columns,
	    count_of(checkpoint_columns), sizeof(struct checkpoint_row) },
	[ROW_AUDIT] = { "audit", audit_columns, count_of(audit_columns),
	    sizeof(struct audit_row) },
};

static const enum retention_class classes[] = {
#define ROW_CLASS(kind, class) [ROW_##kind] = RETENTION_##class,
#include "common/store/row.def"
#undef ROW_CLASS
};

enum {
#define ROW_CLASS(kind, class) CLASS_OF_##kind,
#include "common/store/row.def"
#undef ROW_CLASS
	CLASSED
};

_Static_assert(CLASSED == (int)ROW_KINDS && count_of(classes) == ROW_KINDS,
    "every kind of row names its retention class in row.def");

static const char *const type_names[] = {
	[COLUMN_ID] = "id",
	[COLUMN_TEXT] = "text",
	[COLUMN_INT] = "number",
	[COLUMN_BOOL] = "yes or no",
	[COLUMN_TIME] = "time, microseconds UTC",
	[COLUMN_US] = "microseconds",
	[COLUMN_TOKENS] = "tokens",
	[COLUMN_BYTES] = "bytes",
	[COLUMN_MICROUSD] = "micro-USD",
	[COLUMN_HASH] = "hash",
};

const char *
column_type_name(enum column_type type)
{
	return type_names[type];
}

const struct column *
row_columns(enum row_kind kind, size_t *count)
{
	*count = kinds[kind].count;
	return kinds[kind].columns;
}

size_t
row_struct_bytes(enum row_kind kind)
{
	return kinds[kind].bytes;
}

enum retention_class
row_class(enum row_kind kind)
{
	return classes[kind];
}

static const void *
cell_of(const struct column *c, const void *row)
{
	return (const char *)row + c->offset;
}

static int64_t
number_of(const struct column *c, const void *row)
{
	int64_t number;

	memcpy(&number, cell_of(c, row), sizeof(number));
	return number;
}

bool
hash_none(const struct hash *h)
{
	static const struct hash none;

	return memcmp(h, &none, sizeof(none)) == 0;
}

static void
write_cell(const struct column *c, const void *row, struct buf *out)
{
	const void *cell = cell_of(c, row);

	switch (c->type) {
	case COLUMN_ID:
		pack_bytes(out, cell, ID_BYTES);
		break;
	case COLUMN_TEXT:
		pack_text(out, *(const struct slice *)cell);
		break;
	case COLUMN_BOOL:
		pack_bool(out, number_of(c, row) != 0);
		break;
	case COLUMN_HASH:
		pack_bytes(out, cell, hash_none(cell) ? 0 : HASH_BYTES);
		break;
	default:
		pack_int(out, number_of(c, row));
	}
}

static bool
is_empty(const struct column *c, const void *row)
{
	static const struct id no_id;
	const void *cell = cell_of(c, row);

	switch (c->type) {
	case COLUMN_ID:
		return memcmp(cell, &no_id, sizeof(no_id)) == 0;
	case COLUMN_TEXT:
		return ((const struct slice *)cell)->len == 0;
	case COLUMN_HASH:
		return hash_none(cell);
	default:
		return number_of(c, row) == 0;
	}
}

/* What is empty at the end is read as empty when it is not there. */
static size_t
said(const struct kind *k, const void *row)
{
	size_t count = k->count;

	while (count > 0 && is_empty(&k->columns[count - 1], row))
		count--;
	return count;
}

void
row_write(enum row_kind kind, const void *row, struct buf *out)
{
	const struct kind *k = &kinds[kind];
	size_t count = said(k, row), i;

	pack_array(out, 1 + count);
	pack_int(out, ROW_SCHEMA);
	for (i = 0; i < count; i++)
		write_cell(&k->columns[i], row, out);
}

/* No hash is zero bytes; anything else has to be a whole one. */
static void
read_hash(struct unpack *u, struct hash *h)
{
	struct slice bytes = unpack_bytes(u);

	if (bytes.len == HASH_BYTES)
		memcpy(h->bytes, bytes.ptr, HASH_BYTES);
	else if (bytes.len != 0)
		u->failed = true;
}

static void
read_cell(struct unpack *u, const struct column *c, void *row)
{
	void *cell = (char *)row + c->offset;
	int64_t number;

	switch (c->type) {
	case COLUMN_ID:
		unpack_fixed(u, cell, ID_BYTES);
		return;
	case COLUMN_TEXT:
		*(struct slice *)cell = unpack_text(u);
		return;
	case COLUMN_HASH:
		read_hash(u, cell);
		return;
	case COLUMN_BOOL:
		number = unpack_bool(u);
		break;
	default:
		number = unpack_int(u);
	}
	memcpy(cell, &number, sizeof(number));
}

bool
row_read(enum row_kind kind, struct slice bytes, void *row)
{
	const struct kind *k = &kinds[kind];
	struct unpack u = unpack_start(bytes);
	size_t stored = unpack_array(&u);
	size_t i;

	memset(row, 0, k->bytes);
	if (stored < 1 || stored - 1 > k->count)
		return false;
	if (unpack_int(&u) != ROW_SCHEMA)
		return false;
	for (i = 0; i < stored - 1; i++)
		read_cell(&u, &k->columns[i], row);
	return unpack_done(&u);
}

static void
json_id(const struct id *id, struct json_writer *w)
{
	char text[4 + ID_TEXT_BYTES] = "req_";

	id_write(id, text + 4);
	json_put_text(w, slice_of(text));
}

static void
json_time(int64_t wall_us, struct json_writer *w)
{
	char text[CLOCK_TEXT_BYTES];

	if (wall_us <= 0 || wall_us > ROW_TIME_MAX) {
		json_put_null(w);
		return;
	}
	clock_write(wall_us, text);
	json_put_text(w, slice_of(text));
}

static void
json_hash(const struct hash *h, struct json_writer *w)
{
	char text[2 * HASH_BYTES + 1];

	if (hash_none(h)) {
		json_put_null(w);
		return;
	}
	hex_write(text, h->bytes, HASH_BYTES);
	json_put_text(w, slice_of(text));
}

void
row_json_fields(enum row_kind kind, const void *row, struct json_writer *w)
{
	const struct kind *k = &kinds[kind];
	size_t i;

	for (i = 0; i < k->count; i++) {
		const struct column *c = &k->columns[i];
		const void *cell = cell_of(c, row);

		json_key(w, c->name);
		if (c->type == COLUMN_ID)
			json_id(cell, w);
		else if (c->type == COLUMN_TEXT)
			json_put_text(w, *(const struct slice *)cell);
		else if (c->type == COLUMN_BOOL)
			json_put_bool(w, number_of(c, row) != 0);
		else if (c->type == COLUMN_TIME)
			json_time(number_of(c, row), w);
		else if (c->type == COLUMN_HASH)
			json_hash(cell, w);
		else
			json_put_int(w, number_of(c, row));
	}
}

void
row_json(enum row_kind kind, const void *row, struct json_writer *w)
{
	json_open(w, '{');
	row_json_fields(kind, row, w);
	json_close(w, '}');
}

void
row_docs(struct buf *out)
{
	size_t kind, i;

	for (kind = 0; kind < ROW_KINDS; kind++) {
		const struct kind *k = &kinds[kind];

		buf_printf(out,
		    "%s## %s\n\nRetention class: `%s`.\n\n"
		    "| column | type | meaning |\n|---|---|---|\n",
		    kind > 0 ? "\n" : "", k->name,
		    retention_name(row_class((enum row_kind)kind)));
		for (i = 0; i < k->count; i++)
			buf_printf(out, "| `%s` | %s | %s |\n",
			    k->columns[i].name, type_names[k->columns[i].type],
			    k->columns[i].meaning);
	}
}
