#pragma once
/*
 * models: the list of what a token may use, in OpenAI's shape, or Anthropic's
 * for who sends anthropic-version.  A group is listed by its name and by each
 * of its aliases.
 */
#include "common/base/slice.h"

struct buf;
struct caller;
struct topology;

struct models_ask {
	const struct topology *topology;
	const struct caller *caller;
	bool anthropic;     /* the shape */
	struct slice limit; /* query values, or empty: Anthropic's */
	struct slice after, before;
};

void models_list(struct buf *out, const struct models_ask *ask);

/* One by its name or alias; false when there is none for this caller. */
must_check bool models_one(struct buf *out, const struct models_ask *ask,
    struct slice id);
