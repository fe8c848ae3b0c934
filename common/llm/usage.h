#pragma once
/*
 * usage: tokens in disjoint buckets, from whatever a provider reports in any
 * of the three dialects.  Pure.
 */
#include "common/base/slice.h"
#include "common/llm/shape.h"

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
	int64_t cache_write_tokens;    /* for five minutes, or as is usual */
	int64_t cache_write_1h_tokens; /* for an hour */
	int64_t output_tokens;         /* without reasoning */
	int64_t reasoning_tokens;
	/* Of input_tokens, those of images, where a provider tells them. */
	int64_t image_tokens;
	int64_t web_searches; /* that the provider made and bills */
	enum usage_source source;
	char provider_cost[24]; /* USD as stated, "" when not */
	/*
	 * The provider's own object: "prompt_tokens=12 …", its numbers in
	 * their order, those inside of others as "outer.inner=3"; cut at a
	 * whole pair.
	 */
	char provider_figures[320];
};

/*
 * From a `usage` object.  Chat's and Responses' input includes what was
 * cached, Messages' does not; all three count reasoning as output.  Figures
 * that contradict each other are clamped so that no bucket is negative.
 * False when it has no figures; zero is one.
 */
must_check bool usage_read(struct usage *usage, enum dialect dialect,
    const struct json_value *object);

/*
 * The same over what is known: a figure that the object leaves out, or has as
 * null, stays.  False, and nothing changed, when it has none.
 */
must_check bool usage_update(struct usage *usage, enum dialect dialect,
    const struct json_value *object);

/*
 * Responses' own list of what its tools used stands beside the usage, as
 * `tool_usage`; NULL is fine.
 */
void usage_note_tools(struct usage *usage, const struct json_value *tools);

/* All that was read, cached or not; written to a cache; and made. */
int64_t usage_input(const struct usage *usage);
int64_t usage_written(const struct usage *usage);
int64_t usage_output(const struct usage *usage);

/* Bytes over four, rounded up. */
int64_t usage_tokens_of_bytes(int64_t bytes);

/* That for input and output: marked as estimated. */
void usage_estimate(struct usage *usage, int64_t input_bytes,
    int64_t output_bytes);
