#pragma once
/*
 * verdict: what an attempt that is over, or hopeless, means for the caller,
 * said in one place.
 */
#include "common/llm/fail.h"

struct request;

/* FAIL_NONE: the answer is whole.  May fill in r->detail. */
enum fail verdict_of(struct request *r);

/*
 * How long its provider or egress asks to wait, in milliseconds; 0: it does not
 * say.  Some say it in their words and in no header.
 */
int64_t verdict_wait_ms(const struct request *r);
