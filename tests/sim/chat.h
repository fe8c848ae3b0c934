#pragma once
/*
 * chat: the wire form of OpenAI Chat Completions: answers, stream events,
 * errors, and the HTTP heads that carry them.  Pure: appends bytes to a text.
 * Content chunk i says "t<i> ", so a reader sees what is lost or doubled; an
 * answer that is no stream holds the same chunks, joined.
 */
#include <stdbool.h>

#include "tests/sim/script.h"
#include "tests/sim/text.h"

#define CHAT_CHUNKED SIZE_MAX

/* What one answer is made of. */
struct chat {
	const struct script *script;
	uint64_t n; /* the call's number: the id of answer and request */
	char model[128];
	bool usage;       /* a usage chunk was asked for */
	struct text echo; /* in place of the content, when not empty */
};

/* Length is that of the body to follow, or CHAT_CHUNKED. */
void chat_head(struct text *out, const struct chat *c, const char *type,
    size_t length);

/*
 * Head and body of an error: this one by name, or, with "", the script's.
 * The status it has.
 */
uint64_t chat_refuse(struct text *out, const struct chat *c, const char *name);

/* A whole answer's body. */
void chat_answer(struct text *out, const struct chat *c);

/* One line for each name of an error body. */
void chat_help(FILE *to);

/* The pieces of a stream, each whole events. */
void chat_first(struct text *out, const struct chat *c);
void chat_chunk(struct text *out, const struct chat *c, uint64_t i);
void chat_last(struct text *out, const struct chat *c);
void chat_error_event(struct text *out, const struct chat *c);
