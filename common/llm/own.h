#pragma once
/*
 * own: the keys of a body that the router owns, whatever the caller wrote.
 * The result is a splice: pieces of the old body and of new text, in order;
 * nothing is copied that did not change.  Pure.
 */
#include "common/llm/shape.h"

#define SPLICE_MAX 24

struct splice {
	struct slice parts[SPLICE_MAX];
	size_t count;
	size_t bytes;     /* of all parts */
	unsigned changes; /* keys set, capped or added */
};

/* What a provider type wants (its preset in the topology's tables). */
struct own_terms {
	struct slice model;   /* to send */
	int64_t output_cap;   /* tokens; 0: do not cap */
	const char *cap_key;  /* field to add a cap as, when none is there */
	bool stream;          /* from the shape; the body must agree */
	bool usage_in_stream; /* ask for usage in streams */
};

/*
 * Chat: set `model`; cap `max_tokens` and `max_completion_tokens`, adding
 * cap_key when a cap is wanted and neither is there; set
 * `stream_options.include_usage` in streams.  New text lies in the arena.
 * When all is right already, the splice is the whole body in one part.  False
 * and *why (a constant that names the field) when the body cannot be made
 * right: wrong types, or a `stream` that does not agree with the terms.
 */
must_check bool own_chat(struct splice *out, struct arena *arena,
    const struct json_index *body, const struct own_terms *terms,
    const char **why);
