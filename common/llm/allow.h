#pragma once
/*
 * allow: what requests may ask for only when the team's entry in mesh.yaml
 * says so, because one provider account serves many teams; one bit a row of
 * allow.def.  Pure.
 */
#include "common/base/lang.h"

enum allow_at {
#define ALLOW(name, word, meaning) ALLOW_AT_##name,
#include "common/llm/allow.def"
#undef ALLOW
	ALLOWS
};

/* As bits of a set. */
enum allow {
#define ALLOW(name, word, meaning) ALLOW_##name = 1u << ALLOW_AT_##name,
#include "common/llm/allow.def"
#undef ALLOW
};

/* Of the i-th row: its bit is 1u << i.  NULL behind the last. */
const char *allow_name(size_t i);
const char *allow_meaning(size_t i);
