#pragma once
/*
 * record: what was called, for tests to ask: in memory, at most RECORD_MAX
 * calls since the last reset, and as one JSON line a call, appended to a log
 * at arrival, before an answer, so that a test may kill anything.  Off, it
 * costs a counter.  Numbers go on after a reset, so no two calls share one.
 */
#include "tests/sim/text.h"

#include <stdbool.h>

#define RECORD_MAX  200000 /* about 300 bytes each */
#define RECORD_KEPT 64     /* calls whose bytes are kept */
#define RECORD_KEPT_MAX                                                        \
	(8 * 1024 * 1024) /* bytes of body; of the last: any                   \
			   */

struct bytes {
	const char *at;
	size_t len;
};

struct arrival {
	struct bytes method, path, attempt, model, tag;
	struct bytes authorization, api_key; /* the key, without the former */
	struct bytes version, beta;          /* of Anthropic's API */
	struct bytes head, body;
	bool stream, reused;
};

struct outcome {
	uint64_t status, chunks;
	bool finished, client_gone;
};

/* The bytes of one of the latest calls. */
struct keepsake {
	uint64_t n; /* the call's number; 0 for none */
	struct text head, body;
};

struct record {
	bool on;
	int log_fd;     /* -1 for none */
	uint64_t last;  /* number of the last call, from 1 */
	uint64_t reset; /* number of the last call before the reset */
	struct entry *entries;
	size_t count, cap;
	struct keepsake kept[RECORD_KEPT];
	struct text line;
};

/* Log may be NULL.  False when it cannot be opened. */
bool record_init(struct record *r, bool on, const char *log);

void record_fini(struct record *r);

/* Forget all calls but the number of the last one. */
void record_reset(struct record *r);

/* The call's number. */
uint64_t record_arrival(struct record *r, const struct arrival *a);

/* How a call stands; one that is forgotten is ignored. */
void record_outcome(struct record *r, uint64_t n, const struct outcome *o);

/* A call's bytes; NULL when they are no longer kept. */
const struct keepsake *record_find(const struct record *r, uint64_t n);

/* Append all calls as a JSON array. */
void record_write(const struct record *r, struct text *out);
