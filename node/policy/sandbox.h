#pragma once
/*
 * sandbox: a compiled policy, loaded once, asked for each request.  Every call
 * begins with the memory as it was after loading, so calls know nothing of
 * each other; it sees the input, a clock that stands at the request's time and
 * a seeded Math.random, and nothing else.  It is killed when its time is up,
 * wherever it is.  For one thread at a time, with GUEST_STACK_BYTES (guest.h)
 * of stack.  A worker keeps one for each policy.
 */
#include "common/base/slice.h"

struct buf;
struct sandbox;

#define SANDBOX_MEMORY_BYTES ((size_t)4 << 20)
#define SANDBOX_MEMORY_MIN   ((size_t)1 << 20)
#define SANDBOX_MEMORY_MAX   ((size_t)8 << 20)
#define SANDBOX_CPU_US       5000
#define SANDBOX_WALL_US      50000
#define SANDBOX_SOURCE_MAX   ((size_t)256 << 10)
#define SANDBOX_INPUT_MAX    ((size_t)256 << 10)
#define SANDBOX_ANSWER_MAX   ((size_t)64 << 10)
#define SANDBOX_REASON_MAX   240 /* bytes of a message in `out` */

struct sandbox_spec {
	struct slice source; /* an ES module; not kept */
	const char *name;    /* what messages call it; NULL: "policy.js" */
	size_t memory_bytes; /* for its values, MIN to MAX; 0: the default */
	int64_t cpu_us;      /* of a call; 0: the default */
	int64_t wall_us;     /* of a call; 0: the default */
};

struct sandbox_ask {
	struct slice input; /* one JSON object, see docs/POLICIES.md */
	int64_t now_ms;     /* wall clock of the request */
	uint32_t seed;
};

enum sandbox_end {
	SANDBOX_OK,
	SANDBOX_THREW,
	SANDBOX_TIMEOUT,
	SANDBOX_MEMORY,
	SANDBOX_NOT_JSON
};

/*
 * NULL and a sentence appended to `why` when it does not load.  Takes a
 * millisecond; what loops while it loads is killed after 0.2 s.
 */
struct sandbox *sandbox_new(const struct sandbox_spec *spec, struct buf *why);

/* NULL is fine. */
void sandbox_free(struct sandbox *s);

/*
 * `out` is emptied, then has the answer's JSON (at most SANDBOX_ANSWER_MAX
 * bytes of UTF-8), or for any other end a message of one line.  What the
 * script says in it may be anything: it is for the policy's author.
 */
enum sandbox_end sandbox_call(struct sandbox *s, const struct sandbox_ask *ask,
    struct buf *out);

/* "ok", "threw", "timeout", "memory", "not-json". */
const char *sandbox_end_name(enum sandbox_end end);
