#include "common/llm/quirk.h"

static const struct {
	const char *name, *meaning;
} table[QUIRKS] = {
#define QUIRK(id, word, what) [QUIRK_AT_##id] = { word, what },
#include "common/llm/quirk.def"
#undef QUIRK
};

const char *
quirk_name(size_t i)
{
	return i < QUIRKS ? table[i].name : NULL;
}

const char *
quirk_meaning(size_t i)
{
	return i < QUIRKS ? table[i].meaning : NULL;
}
