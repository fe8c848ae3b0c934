#pragma once
/*
 * ask: what a chat body asks for.  Finds three keys by search instead of
 * parsing, since this program must cost next to nothing beside what it
 * measures; a body that is no JSON asks for nothing.
 */
#include <stdbool.h>

#include "tests/sim/text.h"

struct ask {
	struct span model; /* inside the quotes, escapes as they came */
	bool stream, usage;
};

struct ask ask_parse(const char *body, size_t len);
