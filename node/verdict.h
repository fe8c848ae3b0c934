#pragma once
/*
 * verdict: what an attempt that is over, or hopeless, means for the caller,
 * said in one place.
 */
#include "common/llm/fail.h"

struct request;

/* FAIL_NONE: the answer is whole.  May fill in r->detail. */
enum fail verdict_of(struct request *r);
