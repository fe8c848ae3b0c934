#pragma once
/*
 * timing: how long requests took, as histograms by a name of the topology (a
 * model group, an account) and by how they came out.
 *
 * Names are met before they are noted; what was not met, or has left the
 * topology, is "other", so that nobody who asks can add a series.  Noting is
 * a hash and four relaxed additions: no lock, and nothing is allocated.
 */
#include "common/base/slice.h"

struct buf;
struct timings;

/* Names that a process ever meets; further ones are "other". */
#define TIMING_NAMES_MAX 256

enum timing_outcome {
	TIMING_OK,
	TIMING_LIMITED, /* 429 */
	TIMING_REFUSED, /* another 4xx */
	TIMING_GONE,    /* the caller left */
	TIMING_FAILED,
	TIMING_OUTCOMES
};

/* By its HTTP status; 499 is gone, 0 (none came) is failed. */
enum timing_outcome timing_outcome(int64_t status);

struct timings *timings_new(void);
void timings_free(struct timings *t); /* NULL is fine */

/* Any thread, seldom. */
void timings_meet(struct timings *t, struct slice name);

/* Any thread.  `first_us`: to the first byte; 0: none came. */
void timings_note(struct timings *t, struct slice name,
    enum timing_outcome outcome, int64_t first_us, int64_t total_us);

/* How its two families are called. */
struct timing_words {
	const char *label;              /* "group" */
	const char *total, *total_help; /* gsr_…_seconds */
	const char *first, *first_help;
};

/* The present topology's names; NULL behind the last. */
typedef const struct slice *timing_name(const void *arg, size_t i);

/* Prometheus text: series that have counted something. */
void timings_metrics(struct timings *t, const struct timing_words *words,
    timing_name *name, const void *arg, struct buf *out);
