#pragma once
/*
 * provider: an account with an API's maker, its models, and how its type
 * wants to be spoken to; as the topology's files say it.  Values that never
 * change; slices are NUL-terminated too.
 */
#include "common/base/slice.h"
#include "common/limit/terms.h"
#include "common/llm/price.h"
#include "common/llm/shape.h"

struct buf;

/* How a type of provider wants to be spoken to: data, not branches. */
struct provider_type {
	const char *name;     /* openai, vllm, openai-compatible */
	const char *base_url; /* NULL: base_url has to be given */
	const char *auth_field, *auth_prefix;
	unsigned dialects;           /* bits: 1 << DIALECT_CHAT … */
	const char *paths[DIALECTS]; /* behind base_url */
	const char *count_path;      /* counts tokens; NULL: none does */
	const char *cap_key;         /* chat: field for an output cap */
	unsigned quirks;             /* bits of common/llm/quirk.h */
};

struct provider;

/* A model's price as its file says it. */
struct price_written {
	struct price list;              /* without its tiers */
	const struct price_tier *above; /* as they are listed */
	size_t above_count;
};

struct model {
	struct slice name;   /* as the provider knows it */
	struct slice target; /* provider/name */
	const struct provider *provider;
	int64_t max_output; /* tokens; 0: not stated */
	int64_t context;    /* tokens, input and output; 0: not stated */
	int64_t max_body_bytes, max_tools_bytes; /* 0: not stated */
	/* Bits of common/llm/capability.h, what they imply included. */
	unsigned supports;
	unsigned lacks;       /* of what is implied */
	bool supports_stated; /* else nobody knows what it can do */
	struct price_written written;
	struct price price;           /* what is paid: the discount is off */
	struct shaping_terms shaping; /* of the account's calls of it */
};

/* A team's own account with the provider. */
struct team_key {
	struct slice team;
	struct slice secret; /* name in the egress's vault */
};

struct provider {
	struct slice name;
	const struct provider_type *type;
	struct slice base_url; /* without a slash at its end */
	unsigned dialects;     /* bits, as the type's unless said */
	struct slice region;   /* where it serves; empty: not said */
	struct slice secret;   /* name in the vault; empty: sends no auth */
	struct slice ca_file;  /* empty: the system's */
	const struct model *models;
	size_t models_count;
	int64_t discount_ppm;             /* off list prices */
	struct shaping_terms shaping;     /* of the account */
	const struct team_key *team_keys; /* of an egress */
	size_t team_keys_count;
};

/* "provider/model" among these providers; NULL when there is none. */
const struct model *find_model(const struct provider *providers, size_t count,
    struct slice target);

/*
 * Append where it takes that operation in that dialect, both of which it has
 * to have.
 */
void provider_put_url(struct buf *url, const struct provider *p,
    enum dialect dialect, enum operation operation);

/* Does it count the tokens of a Messages request itself? */
bool provider_counts(const struct provider *p);
