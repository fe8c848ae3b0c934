#pragma once
/*
 * drop: classes of what a request may lose on its way to a target that cannot
 * take it, one bit a row of drop.def.  A group's `drop` sets them; what is
 * dropped is always named to the caller.  Pure.
 */
#include "common/base/lang.h"

enum drop_at {
#define DROP(name, word, meaning) DROP_AT_##name,
#include "common/llm/drop.def"
#undef DROP
	DROPS
};

/* As bits of a set. */
enum drop {
#define DROP(name, word, meaning) DROP_##name = 1u << DROP_AT_##name,
#include "common/llm/drop.def"
#undef DROP
};

/* Of the i-th row: its bit is 1u << i.  NULL behind the last. */
const char *drop_name(size_t i);
const char *drop_meaning(size_t i);
