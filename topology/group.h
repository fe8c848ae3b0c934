#pragma once
/*
 * group: what a caller puts in "model", as a node file says it: its targets,
 * what every one of them has to fulfil, and how they are put in order.
 * Values that never change; slices are NUL-terminated too.
 */
#include "common/base/crypto.h"
#include "common/base/slice.h"
#include "common/limit/terms.h"
#include "common/llm/price.h"

#define TARGETS_MAX 32 /* of a group */

/* How a group orders its targets; names in topology/word.c. */
enum strategy {
	STRATEGY_STATIC,
	STRATEGY_FAILOVER,
	STRATEGY_WEIGHTED,
	STRATEGY_SCORE,
	STRATEGY_SCRIPT,
	STRATEGY_EXTERNAL,
	STRATEGIES
};

const char *strategy_name(size_t i); /* NULL behind the last */

/* The terms of a score; docs/ROUTING.md has the formula. */
enum score_term {
	TERM_COST,
	TERM_TTFT,
	TERM_LATENCY,
	TERM_THROUGHPUT,
	TERM_ERRORS,
	TERM_QUALITY,
	TERM_COMPLEXITY,
	TERM_AFFINITY,
	SCORE_TERMS
};

const char *score_term_name(enum score_term term);

/* USD per million tokens as in common/llm/price.h; -1: no ceiling. */
struct price_ceiling {
	int64_t input, output;
};

struct timeouts {
	int64_t connect_ms, first_byte_ms, idle_ms, total_ms;
	int64_t attempt_ms; /* of a node: one call; 0: as long as the whole */
};

/* What a node keeps so that callers may go on from an earlier answer. */
struct responses_state {
	int64_t ttl_ms; /* 0: nothing is kept */
	int64_t max_bytes;
};

/* One of a group's targets, in the order of the file. */
struct group_target {
	struct slice model;  /* provider/model */
	int64_t weight;      /* of weighted draws; 1 unless said, 0: last */
	int64_t quality_ppm; /* evaluation score, millionths; -1: not known */
};

/* Hard filters before any strategy; where not said 0, and -1 of a share. */
struct contract {
	struct slice workload; /* for people */
	unsigned dialects;     /* that callers may come in; 0: all */
	unsigned requires;     /* bits of common/llm/capability.h */
	int64_t min_context_tokens;
	int64_t min_quality_ppm;
	int64_t evidence_ms; /* no older proof of what `requires` lists */
	/* By what was seen in the window; what was not seen is let pass. */
	int64_t max_error_ppm;
	int64_t max_ttft_ms, max_latency_ms; /* 95th percentiles */
	const struct slice *regions;
	size_t regions_count;
	struct price_ceiling max_price;
};

/* What `strategy: score` weighs; weights are millionths, 0: not weighed. */
struct score_terms {
	int64_t weights_ppm[SCORE_TERMS]; /* by enum score_term */
	int64_t explore_ppm;  /* share of requests that try a cold target */
	int64_t min_attempts; /* in the window; fewer: the target is cold */
	int64_t affinity_ms;  /* how long a prompt cache is thought warm */
};

struct script_policy {
	struct slice file; /* of the topology's folder: policies/x.js */
	struct hash hash;  /* of that file */
	struct slice code; /* the file, once it was read */
	enum strategy fallback;
	int64_t cpu_ms, memory_bytes;
};

enum external_mode { EXTERNAL_BASELINE, EXTERNAL_SHADOW, EXTERNAL_ENFORCE };

const char *external_mode_name(size_t i); /* NULL behind the last */

struct external_policy {
	struct slice url;
	struct slice secret;  /* name in the vault; empty: sends no auth */
	struct slice ca_file; /* empty: the system's */
	enum external_mode mode;
	enum strategy fallback; /* decides in baseline and shadow, too */
	bool fail_closed;       /* on error, rather than to fall back */
	bool include_content;   /* the body goes along */
	int64_t timeout_ms;
};

struct group {
	struct slice name;
	const struct slice *aliases; /* further names */
	size_t aliases_count;
	struct slice display_name;
	enum strategy strategy;
	const struct group_target *targets;
	size_t targets_count;
	unsigned drop; /* bits of common/llm/drop.h */
	struct responses_state responses_state;
	struct contract contract;
	struct timeouts timeouts; /* 0: as the node's */
	struct score_terms score;
	struct script_policy script;
	struct external_policy external;
	struct shaping_terms shaping; /* of all callers together */
	int64_t max_output;           /* tokens; 0: not said */
	int64_t output_estimate;      /* tokens; what rates reserve; 1000 */
};
