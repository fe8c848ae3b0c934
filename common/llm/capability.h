#pragma once
/*
 * capability: what a model can do, one bit a row of capability.def.  The
 * topology's `supports` sets them; the catalog carries them to nodes.  Pure.
 */
#include "common/base/lang.h"

enum capability_at {
#define CAPABILITY(name, word, meaning) CAPABILITY_AT_##name,
#include "common/llm/capability.def"
#undef CAPABILITY
	CAPABILITIES
};

/* As bits of a set. */
enum capability {
#define CAPABILITY(name, word, meaning)                                        \
	CAPABILITY_##name = 1u << CAPABILITY_AT_##name,
#include "common/llm/capability.def"
#undef CAPABILITY
};

/* Of the i-th row: its bit is 1u << i.  NULL behind the last. */
const char *capability_name(size_t i);
const char *capability_meaning(size_t i);
