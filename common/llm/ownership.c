#include "common/llm/ownership.h"

#define ALLOW_NONE 0

static const char *const actions[] = {
#define OWN_ACTION(action, becomes) becomes,
#include "common/llm/own.def"
#undef OWN_ACTION
};

enum action {
#define OWN_ACTION(action, becomes) ACTION_##action,
#include "common/llm/own.def"
#undef OWN_ACTION
};

static const struct {
	const char *key;
	unsigned dialects;
	enum action action;
	unsigned leave;
	const char *cure;
} rows[] = {
#define OWN(name, dialects, key, action, class, cure)                          \
	{ key, dialects, ACTION_##action, ALLOW_##class, cure },
#include "common/llm/own.def"
#undef OWN
};

bool
ownership_at(struct ownership *row, size_t i)
{
	if (i >= count_of(rows))
		return false;
	*row = (struct ownership){
		.key = rows[i].key,
		.dialects = rows[i].dialects,
		.becomes = actions[rows[i].action],
		.leave = rows[i].leave,
		.cure = rows[i].cure,
	};
	return true;
}
