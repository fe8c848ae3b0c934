#pragma once
/*
 * hearing: a provider's answer being read into deltas.  Each target's face
 * opens, fills and closes blocks under a key of its own (a tool call's index,
 * an output's place); this keeps which block that is, sees that every answer
 * is one START, blocks, and one FINISH, and bounds what a provider can make
 * grow.  Pure; one an attempt.
 */
#include "node/dialect/delta.h"

struct json_value;

#define HEARING_OPEN_MAX 128 /* blocks open at once */
#define HEARING_NAME_MAX 256 /* bytes of an id or a name */

struct heard {
	int64_t key;
	unsigned block;
	enum block_kind what;
	uint64_t id; /* a call's, hashed */
	bool some;   /* had text */
	bool open;
	int64_t part; /* Responses: the piece of an item that text is of */
};

struct hearing {
	delta_taker *take;
	void *arg;
	bool started, finished; /* START and FINISH were given */
	bool broken;            /* no such answer can be; give up */
	unsigned blocks;        /* opened so far */
	bool called, refused;   /* some of them was a call, a refusal */
	size_t count;
	struct heard list[HEARING_OPEN_MAX];
	/* What a face noted for the end. */
	bool ended; /* finish is known */
	enum finish finish;
	char sequence[HEARING_NAME_MAX]; /* the stop sequence, inside */
	/* Responses: the item under way, and which ones are done. */
	int64_t item;
	uint64_t done[BLOCKS_MAX / 64];
};

void hearing_init(struct hearing *h, delta_taker *take, void *arg);

/* Once; later calls do nothing.  `model` is the inside of a string. */
void hearing_start(struct hearing *h, struct slice model);

/* The open block with that key, or NULL. */
struct heard *hearing_find(struct hearing *h, int64_t key);

/*
 * Open a block; id and name (inside) are a call's, else empty.  NULL, and
 * broken, when there are too many or a name is too long.
 */
struct heard *hearing_open(struct hearing *h, int64_t key, enum block_kind what,
    struct slice id, struct slice name);

/* More text (inside) of it; nothing when it is empty. */
void hearing_text(struct hearing *h, struct heard *b, struct slice text);
void hearing_blob(struct hearing *h, struct heard *b, enum blob_kind kind,
    struct slice blob);

void hearing_close(struct hearing *h, struct heard *b);

/* Note how it ends; said at hearing_end.  `sequence` may be empty. */
void hearing_will_finish(struct hearing *h, enum finish finish,
    struct slice sequence);

/*
 * The stream or the whole answer is over: close what is open and say FINISH.
 * "stop" becomes CALLS when calls were made, since some servers say so, and
 * REFUSAL when there was nothing but a refusal to end with.
 */
void hearing_end(struct hearing *h);
