#pragma once
/*
 * estimate: how many tokens a request's input will be, without a tokenizer:
 * within about 12 % on ordinary text, images by their size.  Good enough to
 * reserve by and to compare targets; receipts tell the truth.  Pure.
 */
#include "common/llm/dialect.h"

struct json_value;

/* Output of a request that says no less, where nobody says how much is usual.
 */
#define ESTIMATE_OUTPUT_TOKENS 1000

/*
 * What a budget has to hold of the output of a request that may answer with
 * more: agents ask for 128,000 tokens each time, and use a few thousand.
 */
#define ESTIMATE_HELD_TOKENS 32000

/* Of a body in that dialect; what is not understood counts as text. */
int64_t estimate_tokens(const struct json_value *root, enum dialect d);
