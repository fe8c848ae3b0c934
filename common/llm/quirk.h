#pragma once
/*
 * quirk: how APIs of one dialect differ from provider to provider, one bit a
 * row of quirk.def.  A preset of the topology sets them; the catalog carries
 * them to nodes.  Pure.
 */
#include "common/base/lang.h"

enum quirk_at {
#define QUIRK(name, word, meaning) QUIRK_AT_##name,
#include "common/llm/quirk.def"
#undef QUIRK
	QUIRKS
};

/* As bits of a set. */
enum quirk {
#define QUIRK(name, word, meaning) QUIRK_##name = 1u << QUIRK_AT_##name,
#include "common/llm/quirk.def"
#undef QUIRK
};

/* Of the i-th row: its bit is 1u << i.  NULL behind the last. */
const char *quirk_name(size_t i);
const char *quirk_meaning(size_t i);
