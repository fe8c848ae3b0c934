#pragma once
/*
 * reply: what one answer says, whatever the dialect: parts, each of so many
 * chunks.  Chunk i of the text says "t<i> ", of reasoning "h<i> ", of a refusal
 * "r<i> ", so a reader sees what is lost or doubled.  A dialect gives it a wire
 * form and may only count its events.
 */
#include <stdbool.h>

#include "tests/sim/script.h"
#include "tests/sim/text.h"

#define REPLY_PARTS (2 + SCRIPT_CALLS)

enum part_kind { PART_THOUGHT, PART_TEXT, PART_REFUSAL, PART_CALL };

struct part {
	enum part_kind kind;
	unsigned index;  /* among the reply's parts */
	unsigned call;   /* among the script's calls, when it is one */
	uint64_t chunks; /* that it has */
	uint64_t made;   /* of them, in a stream */
	bool opened, closed;
};

struct reply {
	const struct script *script;
	uint64_t n; /* the call's number: the id of answer and request */
	char model[128];
	bool usage;       /* a chat stream was asked for its usage */
	struct text echo; /* in place of the text, when not empty */
	struct part parts[REPLY_PARTS];
	unsigned count;
	uint64_t events; /* the dialect's: written to this stream */
};

/* Make the parts that the script asks for, with or without its calls. */
void reply_compose(struct reply *r, bool calls);

bool reply_has(const struct reply *r, enum part_kind kind);

/* Chunk i of a part, as the inside of a JSON string. */
void reply_chunk(struct text *out, const struct reply *r, const struct part *p,
    uint64_t i);

/* All of a part. */
void reply_whole(struct text *out, const struct reply *r, const struct part *p);

/* The signature or encryption of its reasoning, as reply_chunk. */
void reply_blob(struct text *out, const struct reply *r);

/* The call that a part is. */
const struct script_call *reply_call(const struct reply *r,
    const struct part *p);

bool reply_without_usage(const struct reply *r);

/* Tokens that usage tells. */
uint64_t reply_completion(const struct reply *r);
uint64_t reply_reasoning(const struct reply *r);
