#pragma once
/*
 * answer: a provider's answer on its way through a call.  A stream goes on
 * event by event; whole answers and errors are gathered first, so that usage
 * can be read and errors redacted.  The provider's key never goes on, in
 * whatever the provider echoes.  What is emitted is hashed for the receipt.
 */
#include "common/base/slice.h"
#include "common/llm/failure.h"
#include "common/net/upstream.h"

struct attempt_row;
struct call;

#define ANSWER_MAX       ((size_t)64 * 1024 * 1024)
#define ANSWER_ERROR_MAX ((size_t)64 * 1024)
#define ANSWER_EVENT_MAX ((size_t)4 * 1024 * 1024)
#define ANSWER_STEP      ((size_t)64 * 1024) /* reserved at a time */

void answer_init(struct call *c);
void answer_fini(struct call *c); /* also of one never begun */

/* The provider's events. */
void answer_head(struct call *c, int status);
void answer_take(struct call *c, struct slice bytes);
void answer_end(struct call *c, enum transfer_end end);

/* Offer the stream what it has not taken. */
void answer_pump(struct call *c);

/* The class of how it ended; FAILURE_NONE: well. */
enum failure answer_class(const struct call *c);

/* Tokens, cost, times, hash and class, into the row. */
void answer_worth(struct call *c, struct attempt_row *row);

/* Note how long the call took, by what its row says. */
void answer_time(const struct call *c);
