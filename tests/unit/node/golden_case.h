#pragma once
/*
 * golden_case: one case of tests/golden/dialect, whose README.md tells what
 * stands in the files, and the terms under which it goes to a target.
 */
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/format/json.h"
#include "common/llm/splice.h"
#include "node/blob.h"
#include "node/dialect/passage.h"
#include "node/dialect/telling.h"
#include "topology/preset.h"

#define GOLDEN_MODEL "target-model"

/* One pair of dialects of a case: a test of its own. */
struct golden_pair {
	const char *name;              /* of the test */
	const struct json_value *root; /* the case */
	enum dialect asks, target;
	const char *key;  /* "chat to messages" */
	struct slice got; /* the outcome, in the files' arena */
};

/* What a pair is run with; made anew for each. */
struct golden_run {
	struct arena arena;
	const struct golden_pair *pair;
	const struct json_value *body, *terms;
	struct shape shape;
	struct passage_terms passage_terms;
	struct passage passage;
	enum dialect answers; /* what the caller reads */
	bool thoughts_removed;
};

static inline const struct json_value *
golden_in(const struct json_value *root, const char *outer, const char *inner)
{
	return json_find(json_find(root, outer), inner);
}

/* Bits of the words in a list, whose names a table of the product has. */
static inline unsigned
golden_bits(const struct json_value *list, const char *(*name)(size_t i))
{
	const struct json_value *v = list != NULL ? list->first : NULL;
	unsigned bits = 0;
	size_t i;

	for (; v != NULL; v = v->next) {
		for (i = 0; name(i) != NULL && !value_is(v, name(i)); i++)
			continue;
		if (name(i) == NULL)
			fail_msg("nobody knows %.*s", SLICE_FMT(v->raw));
		bits |= 1u << i;
	}
	return bits;
}

/* Did this target make it?  The case lists what it did. */
static inline enum blob_kind
golden_made(void *arg, struct slice blob)
{
	const struct golden_run *run = arg;
	const struct json_value *v = json_find(run->terms, "made");

	for (v = v != NULL ? v->first : NULL; v != NULL; v = v->next) {
		if (!slice_eq(v->raw, blob))
			continue;
		if (run->pair->target != DIALECT_MESSAGES)
			return BLOB_ENCRYPTED;
		return slice_starts(raw_inside(blob), "redacted")
			   ? BLOB_REDACTED
			   : BLOB_SIGNATURE;
	}
	return BLOB_NONE;
}

static inline bool
golden_foreign(void *arg, const struct json_value *blob)
{
	return golden_made(arg, blob->raw) == BLOB_NONE;
}

static inline struct slice
golden_joined(struct arena *arena, const struct splice *splice)
{
	char *text = arena_room(arena, splice->bytes + 1);
	size_t i, at = 0;

	for (i = 0; i < splice->count; i++) {
		memcpy(text + at, splice->parts[i].ptr, splice->parts[i].len);
		at += splice->parts[i].len;
	}
	return slice_make(text, at);
}

static inline const struct json_value *
golden_parse(struct arena *arena, struct slice text)
{
	const struct json_value *root;
	struct json_error error;

	root = json_parse(arena, text, &error);
	if (root == NULL)
		fail_msg("%s at %zu of %.*s", error.why, error.at,
		    SLICE_FMT(text));
	return root;
}

static inline void
golden_edit(struct golden_run *run, const struct edits *edits)
{
	struct splice splice;

	edits_splice(&splice, edits);
	run->body =
	    golden_parse(&run->arena, golden_joined(&run->arena, &splice));
}

/* As node/foreign.c does before a body goes on as it is. */
static inline void
golden_cut_foreign(struct golden_run *run)
{
	struct edits edits;

	edits_init(&edits, run->body, &run->arena);
	if (blob_cut(&edits, run->shape.dialect, golden_foreign, run) == 0)
		return;
	golden_edit(run, &edits);
	run->thoughts_removed = true;
	if (run->shape.dialect != DIALECT_MESSAGES ||
	    !blob_loop_is_bare(run->body))
		return;
	edits_init(&edits, run->body, &run->arena);
	edits_replace(&edits, json_find(run->body, "thinking"),
	    "{\"type\":\"disabled\"}");
	golden_edit(run, &edits);
}

static inline const struct provider_type *
golden_provider(const struct golden_run *run)
{
	const struct json_value *v = json_find(run->terms, "provider");
	const struct provider_type *type;

	if (run->pair->target == DIALECT_MESSAGES)
		return preset_find(slice_of("anthropic"));
	type = preset_find(v != NULL ? inside_of(v) : slice_of("openai"));
	if (type == NULL)
		fail_msg("no such provider");
	return type;
}

static inline bool
golden_flag(const struct golden_run *run, const char *name)
{
	const struct json_value *v = json_find(run->terms, name);

	return v != NULL && v->type == JSON_TRUE;
}

static inline void
golden_read_terms(struct golden_run *run)
{
	static const char *const known[] = { "provider", "cap", "drop", "allow",
		"reasons", "made", "path", "count", "no usage wanted" };
	const struct json_value *v = run->terms;
	size_t i;

	for (v = v != NULL ? v->first : NULL; v != NULL; v = v->next) {
		for (i = 0; i < count_of(known); i++)
			if (slice_is(v->name, known[i]))
				break;
		if (i == count_of(known))
			fail_msg("no such term: %.*s", SLICE_FMT(v->name));
	}
}

/* The body, read as the node reads it; false and *why. */
static inline bool
golden_read_shape(struct golden_run *run, const char **why)
{
	const struct json_value *path = json_find(run->terms, "path");
	const struct shape_wish wish = { run->pair->asks,
		golden_flag(run, "count") ? OPERATION_COUNT
					  : OPERATION_GENERATE };

	run->answers = run->pair->asks;
	if (path != NULL && !dialect_by_name(&run->answers, inside_of(path)))
		fail_msg("no such path");
	return shape_read(&run->shape, &run->arena, run->body, &wish, why);
}

static inline bool
golden_wants_blobs(const struct golden_run *run)
{
	const struct json_value *v = json_find(run->body, "include");

	for (v = v != NULL ? v->first : NULL; v != NULL; v = v->next)
		if (value_is(v, "reasoning.encrypted_content"))
			return true;
	return false;
}

static inline enum passage_end
golden_pass(struct golden_run *run)
{
	const struct provider_type *type = golden_provider(run);

	if (run->pair->asks == run->pair->target)
		golden_cut_foreign(run);
	run->passage_terms = (struct passage_terms){
		.asks = run->shape.dialect,
		.answers = run->answers,
		.operation = run->shape.operation,
		.stream = run->shape.stream,
		.dialects = 1u << run->pair->target,
		.drop = golden_bits(json_find(run->terms, "drop"), drop_name),
		.allowed =
		    golden_bits(json_find(run->terms, "allow"), allow_name),
		.target = { .model = slice_of(GOLDEN_MODEL),
		    .output_cap = number_of(json_find(run->terms, "cap"), 0),
		    .cap_key = type->cap_key,
		    .quirks = type->quirks,
		    .reasons = golden_flag(run, "reasons"),
		    .count = run->shape.operation == OPERATION_COUNT },
		.thoughts_removed = run->thoughts_removed,
		.made = golden_made,
		.arg = run,
	};
	return passage_make(&run->passage, &run->arena, run->body,
	    &run->passage_terms);
}
