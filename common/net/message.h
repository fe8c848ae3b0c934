#pragma once
/*
 * message: what a link carries without reading it, taken in by parts.  One
 * message of several parts may be under way at a time; whole ones of other
 * types may come between its parts.
 */
#include "common/base/buf.h"
#include "common/net/frame.h"

struct session;

/* A message that comes in parts. */
struct assembly {
	enum frame_type type; /* 0: none is under way */
	size_t left;
	struct buf bytes;
};

/* A part came: RECEIPT, ACK, CATALOG, CAPACITY, REVOKE, REPORT, CHECKPOINT,
 * LEDGER_ASK or LEDGER_PAGE. */
void message_part(struct session *s, const struct frame *f);

void message_fini(struct session *s);
