#pragma once
/*
 * schema: JSON Schema (draft-07) of a kind of file, from its keyword table,
 * for editors.  What is known but not acted on yet is left out, so an editor
 * marks it as `validate` does.
 */
#include "topology/keyword.h"

struct buf;

/* "mesh", "node" or "egress" to its table; NULL when it is none. */
const struct table *schema_kind(struct slice name);

void schema_put(struct buf *out, const struct table *table);
