#pragma once
/*
 * entry: a line of an export (JSONL) back to what was written.  A line is
 * taken only when it is, byte for byte, what the writer makes of the row, or
 * that with the last columns missing (of an older version): so no change of a
 * line goes unseen.  Pure.
 */
#include "common/base/buf.h"
#include "common/store/checkpoint.h"
#include "common/store/receipt.h"
#include "common/store/row.h"

struct arena;

#define ENTRY_ARENA_MAX (256u << 10)

/* Rooms that a reader uses again and again. */
struct entry_room {
	struct buf text, message;
	struct arena *arena;
};
void entry_room_init(struct entry_room *room);
void entry_room_fini(struct entry_room *room);

/*
 * A row of the kind; its text lies in the line and in the room, good until
 * the next call.
 */
must_check bool entry_row(enum row_kind kind, struct slice line,
    struct entry_room *room, void *row);

/* A receipt that waits for its ACK. */
struct outbox_entry;
must_check bool entry_outbox(struct slice line, struct entry_room *room,
    struct outbox_entry *e);

/* A receipt, whose columns are as the signed object has them; text lies in
 * the room.  The signature is not checked. */
must_check bool entry_receipt(struct slice line, struct entry_room *room,
    struct receipt *r);
must_check bool entry_checkpoint(struct slice line, struct entry_room *room,
    struct checkpoint *c);
