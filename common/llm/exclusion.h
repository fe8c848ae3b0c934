#pragma once
/*
 * exclusion: the reasons for which a target is not tried, one row each in
 * exclusion.def.  Pure.
 */
#include "common/base/lang.h"

enum exclusion {
	EXCLUSION_NONE, /* it may be tried */
#define EXCLUSION(name, text, for_now, meaning) EXCLUSION_##name,
#include "common/llm/exclusion.def"
#undef EXCLUSION
	EXCLUSIONS
};

const char *exclusion_name(enum exclusion e); /* "" for EXCLUSION_NONE */
const char *exclusion_meaning(enum exclusion e);

/* Will it pass by itself? */
bool exclusion_is_for_now(enum exclusion e);
