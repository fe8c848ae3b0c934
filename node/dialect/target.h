#pragma once
/*
 * target: how each dialect is spoken to a provider: requests out, answers in.
 * Pure.
 */
#include "common/llm/quirk.h"
#include "node/dialect/hearing.h"

struct arena;
struct buf;
struct json_value;
struct splice;
struct weave;

struct target_terms {
	struct slice model;  /* as the provider knows it, plain */
	int64_t output_cap;  /* tokens to send; 0: none */
	const char *cap_key; /* chat: the field for it */
	unsigned quirks;     /* of the provider's type */
	bool reasons;        /* the model can */
	bool count;          /* Messages: for count_tokens */
};

struct target_face {
	enum dialect dialect;
	void (*write)(struct weave *out, const struct turn *t,
	    const struct target_terms *terms);
	/* What it has to leave out of this turn; NULL: nothing. */
	void (*limits)(struct carry_list *beyond, const struct turn *t,
	    const struct target_terms *terms);
	/* One event of a stream, parsed, or a whole answer. */
	void (*hear)(struct hearing *h, const struct json_value *root);
	void (*hear_whole)(struct hearing *h, const struct json_value *root);
};

extern const struct target_face chat_target, responses_target, messages_target;
const struct target_face *target_face(enum dialect d);

/*
 * What a target of this type or model cannot be told of what its dialect can
 * say: an effort where nothing reasons, fields that its server does not know.
 */
void target_limits(struct carry_list *beyond, enum dialect d,
    const struct turn *t, const struct target_terms *terms);

/* What each of those wants of a target, as a table in Markdown. */
void target_print_limits(struct buf *out);

/*
 * Write the turn for that dialect; the splice lies in the turn's arena.  False
 * when more would be new in it than a weave holds.
 */
must_check bool target_write(struct splice *out, enum dialect d,
    const struct turn *t, const struct target_terms *terms);

/*
 * Who asks, from which cache and how urgently, as both of OpenAI's dialects
 * say it; of a name that is too long for them, its hash.
 */
void target_put_labels(struct weave *w, const struct turn *t);
