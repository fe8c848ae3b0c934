#include "common/llm/dialect.h"

static const char *const dialects[DIALECTS] = { "chat", "responses",
	"messages" };
static const char *const operations[OPERATIONS] = { "generate", "count" };

const char *
dialect_name(enum dialect d)
{
	return dialects[d];
}

bool
dialect_by_name(enum dialect *out, struct slice name)
{
	unsigned d;

	for (d = 0; d < DIALECTS; d++)
		if (slice_is(name, dialects[d])) {
			*out = (enum dialect)d;
			return true;
		}
	return false;
}

const char *
operation_name(enum operation o)
{
	return operations[o];
}

bool
operation_by_name(enum operation *out, struct slice name)
{
	unsigned o;

	for (o = 0; o < OPERATIONS; o++)
		if (slice_is(name, operations[o])) {
			*out = (enum operation)o;
			return true;
		}
	return false;
}
