#pragma once
/*
 * row: the records of row.def as C structs, and their stored form.  A struct
 * is plain data; text columns are slices that somebody else owns.  Pure.
 */
#include "common/base/crypto.h"
#include "common/base/id.h"
#include "common/base/slice.h"
#include "common/limit/retention.h"

struct buf;
struct json_writer;

enum row_kind {
	ROW_REQUEST,
	ROW_ATTEMPT,
	ROW_RECEIPT,
	ROW_DECISION,
	ROW_CANDIDATE, /* of a decision */
	ROW_EVIDENCE,
	ROW_EVENT,
	ROW_CHECKPOINT,
	ROW_AUDIT,
	ROW_KINDS
};

enum column_type {
	COLUMN_ID,
	COLUMN_TEXT,
	COLUMN_INT,
	COLUMN_BOOL,
	COLUMN_TIME,
	COLUMN_US,
	COLUMN_TOKENS,
	COLUMN_BYTES,
	COLUMN_MICROUSD,
	COLUMN_HASH
};

#define C_TYPE_ID       struct id
#define C_TYPE_TEXT     struct slice
#define C_TYPE_INT      int64_t
#define C_TYPE_BOOL     int64_t
#define C_TYPE_TIME     int64_t
#define C_TYPE_US       int64_t
#define C_TYPE_TOKENS   int64_t
#define C_TYPE_BYTES    int64_t
#define C_TYPE_MICROUSD int64_t
#define C_TYPE_HASH     struct hash

#define ROW_MEMBER(name, type, meaning) C_TYPE_##type name;

struct request_row {
#define REQUEST_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef REQUEST_COLUMN
};

struct attempt_row {
#define ATTEMPT_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef ATTEMPT_COLUMN
};

struct receipt_row {
#define RECEIPT_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef RECEIPT_COLUMN
};

struct decision_row {
#define DECISION_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef DECISION_COLUMN
};

struct candidate_row {
#define CANDIDATE_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef CANDIDATE_COLUMN
};

struct evidence_row {
#define EVIDENCE_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef EVIDENCE_COLUMN
};

struct event_row {
#define EVENT_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef EVENT_COLUMN
};

struct checkpoint_row {
#define CHECKPOINT_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef CHECKPOINT_COLUMN
};

struct audit_row {
#define AUDIT_COLUMN ROW_MEMBER
#include "common/store/row.def"
#undef AUDIT_COLUMN
};

/* A column, for tables, JSON and docs. */
struct column {
	const char *name;
	enum column_type type;
	size_t offset; /* in the row's struct */
	const char *meaning;
};

/* No row, and no intent of two, is longer: names have their own bounds. */
#define ROW_BYTES_MAX 65536

/* The last microsecond that RFC 3339 can write. */
#define ROW_TIME_MAX INT64_C(253402300799999999)

/* All zero: there is no such hash. */
must_check bool hash_none(const struct hash *h);

/* As docs have it: "micro-USD". */
const char *column_type_name(enum column_type type);

/* The columns of a kind, in stored order. */
const struct column *row_columns(enum row_kind kind, size_t *count);

/* Of the struct of that kind. */
size_t row_struct_bytes(enum row_kind kind);

enum retention_class row_class(enum row_kind kind);

/* Append the stored form; `row` is the struct of that kind. */
void row_write(enum row_kind kind, const void *row, struct buf *out);

/* Read it back; text points into `bytes`.  False: they are not such a row, or
 * are of a newer schema. */
must_check bool row_read(enum row_kind kind, struct slice bytes, void *row);

/* All columns as one JSON object; ids as "req_…", times as RFC 3339. */
void row_json(enum row_kind kind, const void *row, struct json_writer *w);

/* The same without the braces, for an object that has more. */
void row_json_fields(enum row_kind kind, const void *row,
    struct json_writer *w);

/* The columns of every kind, as Markdown. */
void row_docs(struct buf *out);
