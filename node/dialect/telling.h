#pragma once
/*
 * telling: an answer being told to a caller in its dialect, from deltas.  It
 * keeps the blocks (all of their text where the dialect says it again at the
 * end, or the answer is told whole), gives calls back the names that the
 * caller knows, and undoes the wrapping of freeform tools; the caller's face
 * does the rest.  Pure; one a request.
 */
#include "common/base/buf.h"
#include "node/dialect/delta.h"

struct caller_face;
struct sse_event;

#define TELLING_TEXT_MAX ((size_t)64 << 20) /* of all blocks together */

struct told {
	enum block_kind what;
	bool open, shown;        /* its OPEN went out; in a stream */
	struct slice id;         /* inside; of a call */
	const struct tool *tool; /* the caller's, or NULL: none of its */
	struct slice name;       /* inside; the wire name */
	bool wrapped;            /* a freeform call made as a function */
	struct buf text;         /* inside; see above */
	enum blob_kind blob_kind;
	struct buf blob; /* inside */
	unsigned place;  /* the face's own numbering */
	bool some;       /* text was told */
};

struct telling {
	const struct caller_face *face;
	const struct turn *turn; /* the request; its arena has the blocks */
	const char *id;          /* 26 characters, for the answer's own ids */
	int64_t created_s;       /* UTC */
	bool whole;              /* gather; write it all at the end */
	bool keeps_text;         /* the face says texts again */
	bool wants_usage;        /* chat: a usage chunk was asked for */
	bool wants_blobs;        /* Responses: encrypted reasoning, too */
	struct buf *out;         /* events go here */
	struct slice model;      /* inside */
	struct told **blocks;
	unsigned count, room; /* at most BLOCKS_MAX */
	size_t bytes;         /* of their texts and blobs */
	bool started, finished, broken;
	enum finish finish;
	struct slice sequence; /* inside: the stop sequence */

	/* The faces' own. */
	unsigned places;      /* given out */
	unsigned current;     /* Messages: the block that is open */
	int64_t number;       /* Responses: next sequence_number */
	char response_id[40]; /* Responses: once it was told */
};

/* How to tell in one dialect. */
struct caller_face {
	enum dialect dialect;
	bool keeps_text;
	/* Read a request; false and *why (constant or arena). */
	bool (*read)(struct turn *t, const struct json_value *root,
	    const char **why);
	/* Streams: append events.  `b` is the block of it, or NULL. */
	void (*start)(struct telling *t);
	void (*open)(struct telling *t, struct told *b);
	void (*text)(struct telling *t, struct told *b, struct slice text);
	void (*close)(struct telling *t, struct told *b);
	/* The last events, terminal marker included. */
	void (*end)(struct telling *t, const struct usage *usage);
	/* A whole answer's body. */
	void (*whole)(struct telling *t, const struct usage *usage);
};

extern const struct caller_face chat_caller, responses_caller, messages_caller;
const struct caller_face *caller_face(enum dialect d);

void telling_init(struct telling *t, enum dialect dialect,
    const struct turn *turn);
void telling_fini(struct telling *t);

/* A delta_taker; arg is the telling. */
void telling_take(void *arg, const struct delta *d);

/* All was told: the last events, or the whole body, into t->out. */
void telling_end(struct telling *t, const struct usage *usage);

/* The name that the caller gave the tool, inside. */
struct slice told_name(const struct told *b);

/* Is there a block of that kind? */
bool telling_has(const struct telling *t, enum block_kind what);

/* Begin an event of a stream, in an object that has its type. */
void telling_event(struct telling *t, const char *type);
