#include "common/llm/exclusion.h"

static const struct {
	const char *name, *meaning;
	bool for_now;
} table[EXCLUSIONS] = {
	[EXCLUSION_NONE] = { "", "", false },
#define EXCLUSION(id, text, passes, what)                                      \
	[EXCLUSION_##id] = { text, what, passes },
#include "common/llm/exclusion.def"
#undef EXCLUSION
};

const char *
exclusion_name(enum exclusion e)
{
	return table[e].name;
}

const char *
exclusion_meaning(enum exclusion e)
{
	return table[e].meaning;
}

bool
exclusion_is_for_now(enum exclusion e)
{
	return table[e].for_now;
}
