#pragma once
/*
 * parcel: a call's body as it goes to the provider: what is the egress's own
 * in it set, capped or refused, and what it may come to.
 */
#include "common/llm/fail.h"

struct call;

/* Into c->splice and c->ration's toll; FAIL_NONE, or why it cannot go. */
enum fail parcel_make(struct call *c);

/* The most output tokens that the provider may be asked for; 0: any. */
int64_t parcel_cap(const struct call *c);
