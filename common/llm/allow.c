#include "common/llm/allow.h"

static const struct {
	const char *name, *meaning;
} table[ALLOWS] = {
#define ALLOW(id, word, what) [ALLOW_AT_##id] = { word, what },
#include "common/llm/allow.def"
#undef ALLOW
};

const char *
allow_name(size_t i)
{
	return i < ALLOWS ? table[i].name : NULL;
}

const char *
allow_meaning(size_t i)
{
	return i < ALLOWS ? table[i].meaning : NULL;
}
