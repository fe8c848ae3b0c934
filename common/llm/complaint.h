#pragma once
/*
 * complaint: what a provider says when it fails, read from whatever body came:
 * OpenAI's, Anthropic's, OpenRouter's, flat ones, a word, a page of HTML.
 * Nothing in it may be shown before it is masked.  Pure.
 */
#include "common/base/slice.h"

struct arena;

/* Of longer bodies only this much is read, as text. */
#define COMPLAINT_BYTES_MAX 65536
/* What an arena has to hold for it. */
#define COMPLAINT_ARENA_BYTES (4 << 20)

/* Empty where nothing was said; slices point into body or arena. */
struct complaint {
	struct slice message, type, code, param;
	struct slice reason; /* Anthropic's error_code, OpenRouter's source */
};

void complaint_read(struct complaint *c, struct arena *arena,
    struct slice body);

/* Does it say that money or quota is spent, rather than a rate passed? */
bool complaint_is_quota(const struct complaint *c);

/* That the request itself can never fit this model or account? */
bool complaint_is_size(const struct complaint *c);
