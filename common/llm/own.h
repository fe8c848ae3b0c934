#pragma once
/*
 * own: the keys of a body that the router owns, whatever the caller wrote, in
 * any dialect (own.def).  What would change account, region or price, or lean
 * on what the provider's account keeps for all teams, is refused.  Node and
 * egress both do it: the node for its callers, the egress since it pays.
 * Pure; all memory is the arena's, of which OWN_ARENA_BYTES must be left.
 */
#include "common/llm/allow.h"
#include "common/llm/dialect.h"
#include "common/llm/splice.h"

struct arena;
struct json_value;

#define OWN_ARENA_BYTES ((size_t)1024 * 1024)

/* What a target, its provider's type and the team's entry want. */
struct own_terms {
	enum dialect dialect;
	enum operation operation;
	struct slice model;       /* to send */
	int64_t output_cap;       /* tokens; 0: do not cap */
	const char *cap_key;      /* Chat: added when none is there; or NULL */
	bool stream;              /* from the shape; the body must agree */
	bool usage_in_stream;     /* Chat: ask for usage in streams */
	bool encrypted_reasoning; /* Responses: always ask for it */
	bool drop_hosted_tools;   /* leave out what the provider would run */
	unsigned allowed;         /* bits of allow.h */
};

enum own_result {
	OWN_DONE,
	OWN_INVALID,    /* no target would take it like this */
	OWN_NOT_ALLOWED /* the team's entry does not allow it */
};

struct owned {
	struct splice splice; /* one part, the body itself, if all is right */
	const char *why; /* names the key and the cure; a constant or arena */
	bool dropped_hosted_tools; /* or web_search_options */
};

/*
 * Make the body right, or say why it cannot be: of a wrong result only `why`
 * counts.  Doing it again with the same terms changes nothing more.
 */
enum own_result own_body(struct owned *out, struct arena *arena,
    const struct json_value *root, const struct own_terms *terms);
