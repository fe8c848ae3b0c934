#pragma once
/*
 * delta: a piece of an answer, in no dialect.  A target's face makes deltas
 * from the provider's events or whole answer, a caller's face writes them in
 * its own dialect.  Text is what stood inside a JSON string, its escapes as
 * they came; it is good during the call only.  Pure.
 *
 * START comes first; then blocks, numbered from 0 in order of their OPEN,
 * which may be open at once; FINISH comes last and all blocks are closed.
 */
#include "common/llm/usage.h"
#include "node/dialect/turn.h"

enum block_kind {
	BLOCK_TEXT,
	BLOCK_REFUSAL,
	BLOCK_THINKING,
	BLOCK_CALL,  /* TEXT is a piece of the arguments' JSON */
	BLOCK_CUSTOM /* TEXT is a piece of the freeform input */
};

static inline bool
block_is_call(enum block_kind what)
{
	return what == BLOCK_CALL || what == BLOCK_CUSTOM;
}

enum delta_kind {
	DELTA_START, /* text: the model as the provider names it */
	DELTA_OPEN,  /* block, what; id and name of a call */
	DELTA_TEXT,  /* block, text */
	DELTA_BLOB,  /* block (thinking), blob_kind, text */
	DELTA_CLOSE, /* block */
	DELTA_FINISH /* finish; text: the stop sequence, if known */
};

enum finish {
	FINISH_STOP,
	FINISH_SEQUENCE, /* a stop sequence */
	FINISH_LENGTH,
	FINISH_CALLS,
	FINISH_FILTER,
	FINISH_REFUSAL,
	FINISH_PAUSE /* Messages: a server tool wants to go on */
};

#define BLOCKS_MAX 512 /* of one answer; more is a broken answer */

struct delta {
	enum delta_kind kind;
	unsigned block;
	enum block_kind what;
	struct slice text;
	struct slice id, name; /* inside; the name is the wire name */
	enum blob_kind blob_kind;
	enum finish finish;
};

typedef void delta_taker(void *arg, const struct delta *d);
