#pragma once
/*
 * mesh: what the topology files say, as structs.  All of it lies in the arena
 * of a `struct topology` (topology/load.h) and never changes.  Slices are
 * NUL-terminated too.
 */
#include "common/base/crypto.h"
#include "common/base/slice.h"
#include "common/llm/price.h"
#include "common/llm/shape.h"

struct buf;

#define MEMBER_KEYS_MAX    2 /* two while one is rotated */
#define MEMBER_PARENTS_MAX 4
#define NAME_CHARS_MAX     63 /* of members, teams, groups, providers */

enum member_role { ROLE_NODE, ROLE_EGRESS };

struct member {
	struct slice name;
	enum member_role role;
	struct slice team;    /* of a node */
	struct slice address; /* "host:port" others dial; of an egress */
	struct slice parents[MEMBER_PARENTS_MAX];
	size_t parents_count;
	struct public_key keys[MEMBER_KEYS_MAX];
	size_t keys_count;
};

struct team {
	struct slice name;
	struct public_key signing_key;
	const struct slice *models; /* "openai/gpt-5-mini", "openai/…*" */
	size_t models_count;
};

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

struct model {
	struct slice name;   /* as the provider knows it */
	struct slice target; /* provider/name */
	const struct provider *provider;
	int64_t max_output; /* tokens; 0: not stated */
	unsigned supports;  /* bits of common/llm/capability.h */
	struct price price;
};

struct provider {
	struct slice name;
	const struct provider_type *type;
	struct slice base_url; /* without a slash at its end */
	unsigned dialects;     /* bits, as the type's unless said */
	struct slice secret;   /* name in the vault; empty: sends no auth */
	struct slice ca_file;  /* empty: the system's */
	const struct model *models;
	size_t models_count;
};

struct timeouts {
	int64_t connect_ms, first_byte_ms, idle_ms, total_ms;
};

struct group {
	struct slice name;
	struct slice display_name;
	struct slice strategy; /* "static" */
	const struct slice *targets;
	size_t targets_count;
};

/* node/NAME.yaml */
struct node_file {
	struct slice listen;       /* callers */
	struct slice admin_listen; /* operators; 127.0.0.1:0 unless said */
	struct timeouts timeouts;
	int64_t max_body_bytes;    /* of a request; 32 MiB */
	int64_t body_memory_bytes; /* all bodies at once; 256 MiB */
	const struct provider *providers;
	size_t providers_count;
	const struct group *groups;
	size_t groups_count;
};

/* egress/NAME.yaml */
struct egress_file {
	struct slice listen; /* links */
	struct slice admin_listen;
	struct slice https_proxy; /* empty: none */
	struct timeouts timeouts;
	int64_t max_body_bytes, body_memory_bytes;
	const struct provider *providers;
	size_t providers_count;
};

struct mesh {
	struct slice name;
	const struct member *members;
	size_t members_count;
	const struct team *teams;
	size_t teams_count;
};

/* NULL when there is none. */
const struct member *mesh_member(const struct mesh *m, struct slice name);
const struct team *mesh_team(const struct mesh *m, struct slice name);
const struct group *node_group(const struct node_file *n, struct slice name);

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

/* Does the team's grant cover the target? */
bool team_may_use(const struct team *t, struct slice target);

/* Is this one of the member's keys? */
bool member_has_key(const struct member *m, const struct public_key *key);
