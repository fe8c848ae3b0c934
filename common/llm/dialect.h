#pragma once
/*
 * dialect: the three APIs that callers and providers speak, and what is asked
 * of them.  Pure.
 */
#include "common/base/slice.h"

enum dialect {
	DIALECT_CHAT,      /* OpenAI Chat Completions */
	DIALECT_RESPONSES, /* OpenAI Responses */
	DIALECT_MESSAGES,  /* Anthropic Messages */
	DIALECTS
};

const char *dialect_name(enum dialect d);

/* False when no dialect has that name. */
must_check bool dialect_by_name(enum dialect *out, struct slice name);

enum operation {
	OPERATION_GENERATE,
	OPERATION_COUNT, /* count the input's tokens, make nothing */
	OPERATIONS
};

const char *operation_name(enum operation o);

/* False when no operation has that name. */
must_check bool operation_by_name(enum operation *out, struct slice name);

/* Sets of dialects, for the tables of keys, parts and tools. */
#define IN_CHAT      (1u << DIALECT_CHAT)
#define IN_RESPONSES (1u << DIALECT_RESPONSES)
#define IN_MESSAGES  (1u << DIALECT_MESSAGES)
#define IN_OPENAI    (IN_CHAT | IN_RESPONSES)
#define IN_ANY       (IN_CHAT | IN_RESPONSES | IN_MESSAGES)
