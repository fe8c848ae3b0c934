#pragma once
/*
 * foreign: opaque thinking in a request that its target did not make.  Only
 * the maker can read it, and others refuse the whole request for it, so it is
 * taken out; what targets make is noted as it passes.
 */
#include "common/llm/fail.h"
#include "node/dialect/part.h"

struct json_value;
struct request;

/*
 * Take it out of a body that goes on in its own dialect: r->root is then the
 * body without.  FAIL_NONE, or why the body cannot do without it.
 */
enum fail foreign_remove(struct request *r);

/* What kind of blob (a raw string) the request's target made; or none. */
enum blob_kind foreign_kind(void *request, struct slice blob);

/* Note what the target makes in an answer, or in an event of it. */
void foreign_note(void *request, const struct json_value *root);
