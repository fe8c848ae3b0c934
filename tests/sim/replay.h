#pragma once
/*
 * replay: whole answers that a test has queued, to be sent as they are.
 * Each is taken by the next call, or the next one whose path ends as it says.
 */
#include "tests/sim/record.h"
#include "tests/sim/script.h"

#define REPLAY_MAX       256
#define REPLAY_BYTES_MAX (64 * 1024 * 1024) /* of all queued bodies */

struct recording {
	struct recording *next;
	struct script script; /* of it, what is about HTTP and time */
	char type[128], for_path[256];
	uint64_t split; /* bytes a piece of a chunked answer; 0: no pieces */
	struct text body;
};

struct replay {
	struct recording *first, *last;
	size_t count, bytes;
};

/*
 * Queue a body, by the query of a URL: type, split and for_path, and words of
 * a script.  False, and why, at a word that is none, or when it is full.
 */
bool replay_add(struct replay *r, struct bytes query, struct bytes body,
    char bad[64]);

/* The caller's to free; NULL when nothing is queued for the path. */
struct recording *replay_take(struct replay *r, struct bytes path);

void replay_reset(struct replay *r);

/* NULL is harmless. */
void recording_free(struct recording *a);
