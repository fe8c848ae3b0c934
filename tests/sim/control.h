#pragma once
/*
 * control: the requests under /sim/, by which a test scripts the provider
 * and asks what it was called with.  Answers are made whole, at once.
 */
#include "tests/sim/server.h"

struct command {
	struct bytes method, path, query, body;
};

/* Do it and append the HTTP answer. */
void control_answer(struct server *s, const struct command *c,
    struct text *out);
