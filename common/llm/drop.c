#include "common/llm/drop.h"

static const struct {
	const char *name, *meaning;
} table[DROPS] = {
#define DROP(id, word, what) [DROP_AT_##id] = { word, what },
#include "common/llm/drop.def"
#undef DROP
};

const char *
drop_name(size_t i)
{
	return i < DROPS ? table[i].name : NULL;
}

const char *
drop_meaning(size_t i)
{
	return i < DROPS ? table[i].meaning : NULL;
}
