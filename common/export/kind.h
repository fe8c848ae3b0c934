#pragma once
/*
 * kind: what an export has a file of: one a kind of row, in the order of the
 * store's keys, a line a row.  JSONL has every column, as `--json` writes it;
 * before a receipt's columns stands "sealed", the signed bytes with their
 * seal (docs/PROTOCOL.md) in base64url.  CSV has the columns alone; of a
 * decision it leaves the candidates out.  Pure.
 */
#include "common/base/buf.h"
#include "common/store/db.h"
#include "common/store/row.h"

/*
 * In the order in which they are written: who resumes reads a later state of
 * the store, in which what was open has an attempt, what a checkpoint vouches
 * for is there, and what is still held has its receipt.
 */
enum export_kind {
	EXPORT_REQUEST,
	EXPORT_OPEN, /* attempts that were under way */
	EXPORT_ATTEMPT,
	EXPORT_CHECKPOINT,
	EXPORT_RECEIPT,
	EXPORT_OUTBOX, /* receipts that no ACK has come for: an egress's */
	EXPORT_DECISION,
	EXPORT_EVENT,
	EXPORT_KINDS
};

enum export_encoding { EXPORT_JSONL, EXPORT_CSV };

#define EXPORT_LINE_MAX (4u << 20) /* a decision with all its candidates */
#define SEALED_KEY      "{\"sealed\":\""

/* "request", …; also the stem of its file. */
const char *kind_name(enum export_kind k);
enum family kind_family(enum export_kind k);

/* Its keys begin with an id, so that they are in order of time. */
must_check bool kind_is_timed(enum export_kind k);

/* The keys that are its own, of a family it shares; empty: all. */
void kind_bounds(enum export_kind k, struct slice *from, struct slice *to);

/* "request.jsonl" */
#define EXPORT_NAME_BYTES 32
void kind_file(enum export_kind k, enum export_encoding e,
    char name[EXPORT_NAME_BYTES]);

/* What stands before the first row. */
void kind_head(enum export_kind k, enum export_encoding e, struct buf *out);

enum line { LINE_PUT, LINE_LEFT_OUT, LINE_DAMAGED };

/* Append the line of a stored entry. */
enum line kind_line(enum export_kind k, enum export_encoding e,
    struct slice key, struct slice value, struct buf *out);

/* Whose receipt it is that waits, and which. */
struct outbox_entry {
	struct slice origin; /* in the key */
	char chain[33];
	int64_t seq;
};
must_check bool outbox_entry_read(struct outbox_entry *e, struct slice key);
/* Its line in JSONL, with the end. */
void outbox_entry_write(struct buf *out, const struct outbox_entry *e);

struct checkpoint;
void kind_put_checkpoint(struct buf *out, const struct checkpoint *c,
    struct slice message);

/* The line of a receipt, of the message as it is stored. */
struct receipt;
void kind_put_receipt(struct buf *out, const struct receipt *r,
    struct slice message);

/* When the request came that the entry is about, microseconds UTC; -1 when
 * the entry cannot be read. */
int64_t kind_time_us(enum export_kind k, struct slice key, struct slice value);
