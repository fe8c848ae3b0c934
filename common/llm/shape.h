#pragma once
/*
 * shape: what a request needs, read from the indexed body.  Pure; slices
 * point into the body or the arena.
 */
#include "common/llm/dialect.h"

struct arena;
struct json_index;

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
