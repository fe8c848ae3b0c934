#pragma once
/*
 * complaint: what a provider says when it fails, read from whatever body or
 * event came: OpenAI's, Anthropic's, OpenRouter's, flat ones, a word, a page
 * of HTML.  Nothing in it may be shown before it is masked.  Pure.
 */
#include "common/base/slice.h"

struct arena;

/* Longer bodies are read as text; an event may repeat a whole request. */
#define COMPLAINT_BYTES_MAX (4 << 20)
/* What an arena has to hold for it. */
#define COMPLAINT_ARENA_BYTES (32 << 20)

/* Empty where nothing was said; slices point into body or arena. */
struct complaint {
	bool stated; /* it has an error in it, rather than any words */
	struct slice message, type, code, param;
	struct slice error_code; /* Anthropic's details.error_code */
	struct slice reason; /* that, or what others state beside the code */
	struct slice retry;  /* a wait that is stated as a value */
};

void complaint_read(struct complaint *c, struct arena *arena,
    struct slice body);

enum complaint_class {
	COMPLAINT_OTHER,
	COMPLAINT_QUOTA,      /* money or quota is spent */
	COMPLAINT_RATE,       /* too much at once: wait */
	COMPLAINT_OVERLOADED, /* no capacity, for anybody */
	COMPLAINT_CONTEXT,    /* too long for this model */
	COMPLAINT_POLICY,     /* the content is not wanted */
	COMPLAINT_AUTH,       /* the account's key or rights */
	COMPLAINT_MODEL,      /* there is no such model or deployment */
	COMPLAINT_SIZE,       /* can never fit, whichever the model */
	COMPLAINT_FALTER      /* the model's own output was not usable */
};

/* By its words and the HTTP status; 0 for an error inside a stream. */
enum complaint_class complaint_classify(const struct complaint *c, int status);

/*
 * How long it asks to wait, by a value or in a sentence; 0 when it does not.
 * Headers come first: common/llm/retry.h.
 */
int64_t complaint_retry_after_ms(const struct complaint *c);
