#pragma once
/*
 * shape: what a request needs, read from its body's tree in any dialect.
 * Only what somebody decides by is read, and only that is checked.  Pure;
 * slices point into the body or the arena.
 */
#include "common/llm/dialect.h"

struct arena;
struct json_value;

/* Of a model's name as the body writes it, with its quotes. */
#define MODEL_BYTES_MAX 512

/* What the path that was called says of the body. */
struct shape_wish {
	enum dialect dialect;
	enum operation operation;
};

/* No model answers with more: who asks for more asks for that.  A topology may
 * not say more, either. */
#define OUTPUT_TOKENS_MAX 100000000

struct shape {
	enum dialect dialect; /* of the body */
	enum operation operation;
	struct slice model; /* unescaped: the group asked for */
	bool stream;
	bool wants_usage;  /* in a stream; only Chat has to ask for it */
	bool tools;        /* lists any */
	bool hosted_tools; /* lists any that the caller does not run */
	bool forced_tool;  /* some tool, or a certain one, has to be called */
	bool one_call_at_a_time; /* parallel calls are forbidden */
	bool images, documents, audio;
	bool structured; /* the answer has to be JSON, or of a schema */
	bool schema;     /* of a schema */
	bool reasoning;  /* asks for any */
	bool state;      /* goes on from what the provider keeps */
	bool stores;     /* explicitly has the provider keep the answer */
	int64_t thinking_budget; /* tokens, bounded; 0: none said */
	int64_t choices;         /* n; 1 unless said */
	int64_t output_cap;      /* bounded; 0: none said, or none wanted */
	int64_t messages;        /* or input items */
	int64_t input_estimate_tokens;
};

/*
 * False and *why (a constant that names the field and says what it must be)
 * when it is not such a request: something is missing or of a wrong type.
 */
must_check bool shape_read(struct shape *shape, struct arena *arena,
    const struct json_value *root, const struct shape_wish *wish,
    const char **why);
