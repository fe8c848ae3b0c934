#pragma once
/*
 * remaining: what is left of a caller's limits, as headers in its dialect's
 * own convention: the tightest rates of requests and of tokens, and a budget
 * that is worth a warning.  Part of its request; texts lie in its arena.
 */
#include "common/llm/dialect.h"
#include "common/net/http.h"

struct arena;
struct limits_look;
struct request;

#define REMAINING_MAX 7 /* three of each rate, and the budget */

struct remaining {
	struct http_field fields[REMAINING_MAX];
	size_t count;
	bool warned; /* is counted */
};

/* As it is now; nothing where the request met no limit. */
void remaining_note(struct request *r);

/* Behind `count` others: there has to be room.  Gives how many there are. */
size_t remaining_put(const struct remaining *m, struct http_field *fields,
    size_t count);

/* The headers themselves, of a look at that wall time. */
void remaining_write(struct remaining *m, struct arena *arena,
    enum dialect answers, const struct limits_look *look, int64_t wall_us);
