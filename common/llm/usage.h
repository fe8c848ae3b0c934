#pragma once
/*
 * usage: tokens in disjoint buckets, from whatever a provider reports.
 * Pure.
 */
#include "common/base/slice.h"

struct json_value;

enum usage_source {
	USAGE_NONE,     /* nothing was used or nothing is known */
	USAGE_PROVIDER, /* the provider's final figures */
	USAGE_PARTIAL,  /* the provider's, from a stream that did not end */
	USAGE_ESTIMATED /* from bytes */
};

const char *usage_source_name(enum usage_source s);
enum usage_source usage_source_by_name(struct slice name);

struct usage {
	int64_t input_tokens; /* not cached */
	int64_t cache_read_tokens;
	int64_t cache_write_tokens;
	int64_t output_tokens; /* without reasoning */
	int64_t reasoning_tokens;
	enum usage_source source;
	char provider_cost[24]; /* USD as stated, "" when not */
};

/*
 * From a Chat `usage` object: prompt_tokens includes what was cached,
 * completion_tokens includes reasoning.  Figures that contradict each other
 * are clamped so that no bucket is negative.  False when it has no figures.
 */
must_check bool usage_of_chat(struct usage *usage,
    const struct json_value *object);

/* Bytes over four: marked as estimated. */
void usage_estimate(struct usage *usage, int64_t input_bytes,
    int64_t output_bytes);
