#pragma once
/*
 * wording: a request in the words of its target, and its answer in those of
 * its caller: what the topology, the route and the team say to the passage
 * and the bridge of node/dialect.
 */
#include "common/llm/fail.h"
#include "node/dialect/passage.h"

struct group;
struct request;
struct route;
struct shape;
struct topology;

/* What a request's passage to one target depends on. */
struct wording_wish {
	const struct topology *topology;
	const struct group *group;
	const struct shape *shape;
	const struct route *route;
	int64_t output_cap;   /* most output tokens to ask for; 0: any */
	enum dialect answers; /* that the caller reads */
};

/* All of the terms but who made which blob. */
struct passage_terms wording_terms(const struct wording_wish *w);

/* FAIL_NONE, or what is told of a passage that did not end well. */
enum fail wording_fail(enum passage_end end);

/*
 * The body to send, in r->passage.  FAIL_NONE, or why it cannot be, with what
 * to change in r->detail.
 */
enum fail wording_make(struct request *r);

/* Begin the relay of the answer; takes what it needs from the request. */
void wording_answer(struct request *r);

/* The beta and the version of the API that the caller named, to pass on. */
struct slice wording_api_version(const struct request *r);
struct slice wording_api_beta(const struct request *r);
