#pragma once
/*
 * responses: the two faces of the OpenAI Responses dialect (node/dialect).
 * Pure.
 */
#include "node/dialect/target.h"
#include "node/dialect/telling.h"

struct json_writer;

/* Caller: a request's body into a turn; false and *why. */
must_check bool responses_read(struct turn *t, const struct json_value *root,
    const char **why);

/* Caller: what an answer is made of, as JSON. */

/* The ids of the answer and of a block's item, which is at its `place`. */
void responses_put_id(struct telling *t, const char *prefix);
void responses_put_item_id(struct telling *t, const struct told *b);
/* An item as it begins, or with all that it has. */
void responses_put_item(struct telling *t, const struct told *b, bool whole);
/* A message's or a reasoning item's only part. */
void responses_put_part(struct telling *t, const struct told *b, bool whole);
/* The response object, in progress, or over with its usage (or NULL). */
void responses_put_response(struct telling *t, bool over,
    const struct usage *usage);
/* "completed" or "incomplete". */
const char *responses_status(const struct telling *t);

/* Target: a turn into a request's body. */
void responses_write(struct weave *w, const struct turn *t,
    const struct target_terms *terms);
/* The list that is its `input`. */
void responses_write_input(struct weave *w, const struct turn *t);

/* Target: an event of a stream, a whole answer. */
void responses_hear(struct hearing *h, const struct json_value *root);
void responses_hear_whole(struct hearing *h, const struct json_value *root);
