#pragma once
/*
 * shape: what a request needs, read from the indexed body.  Pure; slices
 * point into the body or the arena.
 */
#include "common/base/slice.h"

struct arena;
struct json_index;

enum dialect { DIALECT_CHAT, DIALECT_RESPONSES, DIALECT_MESSAGES, DIALECTS };

const char *dialect_name(enum dialect d);

/* False when no dialect has that name. */
must_check bool dialect_by_name(enum dialect *out, struct slice name);

/* What is asked of a model: an answer, or how many tokens the request has. */
enum operation { OPERATION_GENERATE, OPERATION_COUNT, OPERATIONS };

const char *operation_name(enum operation o);

/* False when no operation has that name. */
must_check bool operation_by_name(enum operation *out, struct slice name);

/* Of a model's name as the body writes it, with its quotes. */
#define MODEL_BYTES_MAX 512

struct shape {
	enum dialect dialect;
	struct slice model; /* unescaped: the group asked for */
	bool stream;
	bool wants_usage;   /* chat: the caller asked for the usage event */
	bool tools;         /* lists any */
	int64_t choices;    /* n; 1 unless said */
	int64_t output_cap; /* tokens; 0: none said */
	int64_t input_estimate_tokens; /* from the bytes */
};

/*
 * Read a Chat Completions request.  False and *why (a constant that names the
 * field) when it is not one: no model, no messages, wrong types.
 */
must_check bool shape_of_chat(struct shape *shape, struct arena *arena,
    const struct json_index *body, const char **why);
