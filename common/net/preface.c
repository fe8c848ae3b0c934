#include "common/net/preface.h"

/* The one that the API's own clients send by default. */
#define MESSAGES_VERSION "2023-06-01"

static void
add(struct preface *p, const char *name, struct slice value)
{
	p->fields[p->count++] = (struct http_field){ name, value };
}

struct preface
preface_of(enum dialect dialect, struct slice api_version,
    struct slice api_beta)
{
	struct preface p = { .count = 0 };

	add(&p, "Content-Type", slice_of("application/json"));
	if (dialect != DIALECT_MESSAGES)
		return p;
	add(&p, "anthropic-version",
	    api_version.len > 0 ? api_version : slice_of(MESSAGES_VERSION));
	if (api_beta.len > 0)
		add(&p, "anthropic-beta", api_beta);
	return p;
}
