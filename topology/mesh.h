#pragma once
/*
 * mesh: what the topology files say, as structs.  All of it lies in the arena
 * of a `struct topology` (topology/load.h) and never changes.  Slices are
 * NUL-terminated too.
 */
#include "common/base/crypto.h"
#include "common/base/slice.h"
#include "topology/group.h"
#include "topology/party.h"
#include "topology/provider.h"

#define MEMBER_KEYS_MAX    2 /* two while one is rotated */
#define MEMBER_PARENTS_MAX 4
#define NAME_CHARS_MAX     63 /* of members, teams, groups, providers */

enum member_role { ROLE_NODE, ROLE_EGRESS };

struct member {
	struct slice name;
	enum member_role role;
	struct slice team;    /* of a node */
	struct slice region;  /* where it stands; empty: not said */
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
	unsigned allow; /* bits of common/llm/allow.h */
	/* Where its traffic may be served; none: anywhere. */
	const struct slice *regions;
	size_t regions_count;
	struct price_ceiling max_price;
	struct slice cost_center; /* a word for reports; may be empty */
	/* Kept at the egress, whatever its nodes let pass. */
	struct limit_terms limits;
	int64_t weight; /* share of a contended account */
};

/* PEM files for those who come by TLS; empty: they come by plain HTTP. */
struct tls_files {
	struct slice cert, key;
};

/* node/NAME.yaml */
struct node_file {
	struct slice listen; /* callers */
	struct tls_files tls;
	struct slice admin_listen; /* operators; 127.0.0.1:0 unless said */
	struct tls_files admin_tls;
	struct timeouts timeouts;
	int64_t max_body_bytes;    /* of a request; 32 MiB */
	int64_t body_memory_bytes; /* all bodies at once; 256 MiB */
	const struct provider *providers;
	size_t providers_count;
	const struct group *groups;
	size_t groups_count;
	struct limit_terms limits; /* of all its callers together */
	const struct party *projects;
	size_t projects_count;
	const struct party *users;
	size_t users_count;
	const struct tier *tiers;
	size_t tiers_count;
};

/* egress/NAME.yaml */
struct egress_file {
	struct slice listen; /* links */
	struct slice admin_listen;
	struct tls_files admin_tls;
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

/* By its name or an alias; NULL when there is none. */
const struct group *node_group(const struct node_file *n, struct slice name);

/* NULL when there is none. */
const struct party *node_project(const struct node_file *n, struct slice name);
const struct party *node_user(const struct node_file *n, struct slice name);
const struct tier *node_tier(const struct node_file *n, struct slice name);

/* Does the team's grant cover the target? */
bool team_may_use(const struct team *t, struct slice target);

/* Where it serves: as it says, else where its member stands; or empty. */
struct slice provider_region(const struct provider *p,
    const struct member *self);

/* Is a target that serves in `region` (empty: not known) among them? */
bool region_is_among(struct slice region, const struct slice *regions,
    size_t count);

/* Is it no dearer than the ceiling, by none of its tiers? */
bool price_fits(const struct price *price, const struct price_ceiling *max);

/* Is this one of the member's keys? */
bool member_has_key(const struct member *m, const struct public_key *key);
