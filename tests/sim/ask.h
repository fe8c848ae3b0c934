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

/*
 * Whether the conversation ends in results of tools, in any dialect.
 * Instructions that a client puts behind them do not count.
 */
bool ask_ends_in_results(const char *body, size_t len);

/* Where the value of the "key" (with its quotes) of an object begins, and
 * where it ends; len when there is none. */
size_t ask_find(const char *object, size_t len, const char *key);
size_t ask_end(const char *body, size_t len, size_t value);
