#include "common/llm/capability.h"

static const struct {
	const char *name, *meaning;
} table[CAPABILITIES] = {
#define CAPABILITY(id, word, what) [CAPABILITY_AT_##id] = { word, what },
#include "common/llm/capability.def"
#undef CAPABILITY
};

const char *
capability_name(size_t i)
{
	return i < CAPABILITIES ? table[i].name : NULL;
}

const char *
capability_meaning(size_t i)
{
	return i < CAPABILITIES ? table[i].meaning : NULL;
}
