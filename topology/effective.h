#pragma once
/*
 * effective: everything that limits one caller, gathered from all files of a
 * folder that is fine.  Lies in the folder's arena.
 */
#include "common/limit/terms.h"
#include "topology/folder.h"

struct json_writer;

/* One thing that a level limits. */
struct effective_limit {
	const char *level; /* "node payments", "caller (tier agent)" */
	const char *kind;  /* "rpm" … "lifetime_usd", or "shaping" */
	const char *value; /* as it would be written */
	int64_t number;    /* of the same kind comparable; 0 of shaping */
	int64_t warn_ppm;  /* of a budget */
	const struct shaping_terms *shaping; /* of the kind, else NULL */
	bool tightest;                       /* no level has less of the kind */
};

/* A provider's or model's account that the caller's requests go through. */
struct effective_account {
	const char *name;  /* "openai" or "openai/gpt-5-mini" */
	const char *where; /* "node payments" or "egress central" */
	const struct shaping_terms *shaping;
	bool own_key; /* the team's by team_keys */
};

struct effective {
	struct folder *folder;
	const struct member *member;
	const struct node_file *node;
	const struct team *team;
	const struct tier *tier; /* NULL: of none; so the next two */
	const struct party *project;
	const struct party *user;
	struct effective_limit *limits; /* level by level */
	size_t limits_count;
	struct effective_account *accounts;
	size_t accounts_count;
};

/*
 * Of "NODE[:tier=T,project=P,user=U]".  False, and what there is in `why`,
 * when it names what there is not.
 */
must_check bool effective_find(struct effective *e, struct folder *f,
    const char *caller, struct buf *why);

/*
 * Tokens that may go at once; unless it is said, each rate has ten seconds'
 * worth of its own, and this is the least of them.  0: no rate of tokens.
 */
int64_t effective_token_burst(const struct shaping_terms *s);

/* "rpm 120, burst 2, queue 8s, queue_depth 100"; "" when it limits nothing. */
const char *effective_shaping_text(struct arena *arena,
    const struct shaping_terms *s);

/* As tables for people, or as one object. */
void effective_put(const struct effective *e, struct buf *out);
void effective_put_json(const struct effective *e, struct json_writer *w);
