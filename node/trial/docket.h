#pragma once
/*
 * docket: the trials of one group, planned from what the node says of it
 * (node/groups.h): what each target is said to be able to do is tried, what
 * it is said not to be able to do has to be refused, and so have a wrong
 * token, an unknown group and a body that is no JSON.  Each entry then gets
 * its outcome.  Pure; all of it lies in the arena.
 */
#include "common/llm/dialect.h"
#include "node/trial/errand.h"

struct arena;
struct json_value;
struct trial;

/* How a target of the node's own is called without the router. */
struct docket_direct {
	enum dialect dialect;
	struct slice url, model, cap_key, auth_field, auth_prefix, secret;
	struct slice ca_file;
};

struct docket_target {
	struct slice name;    /* provider/model */
	bool offered, stated; /* there at all; what it can do is said */
	unsigned dialects, supports;
	const struct docket_direct *direct; /* NULL: behind an egress */
};

enum docket_expects {
	EXPECTS_ANSWER,
	EXPECTS_NO_TARGET, /* refused, and nobody was called */
	EXPECTS_UNAUTHORIZED,
	EXPECTS_UNKNOWN_GROUP,
	EXPECTS_INVALID
};

enum docket_outcome {
	OUTCOME_OPEN,
	OUTCOME_PASSED,
	OUTCOME_FAILED,
	OUTCOME_SKIPPED
};

struct docket_entry {
	char name[40]; /* as evidence calls it */
	const struct trial *trial;
	const struct docket_target *target; /* NULL: of the group alone */
	bool direct;
	enum dialect dialect;
	enum docket_expects expects;

	enum docket_outcome outcome;
	char why[ERRAND_WORD_MAX]; /* failed or skipped: a short word */
	int64_t us;
	char request[ERRAND_WORD_MAX]; /* through the router: its id, or "" */
};

struct docket {
	struct slice group; /* by its own name */
	unsigned dialects, requires;
	const struct docket_target *targets;
	size_t targets_count;
	struct docket_entry *entries;
	size_t count;
};

/* What to leave out; NULL leaves out nothing. */
struct docket_wish {
	const char *group, *target, *capability;
	bool router, direct;
};

/* False and one line in `why` when nothing is there to be tried. */
must_check bool docket_read(struct docket *d, struct arena *arena,
    const struct json_value *root, const struct docket_wish *wish,
    struct buf *why);

/*
 * Judge an entry by its answer.  `attempts`: upstream calls that the node
 * says it made for it; negative: not known.
 */
void docket_judge(struct docket_entry *e, const struct errand_answer *a,
    int64_t attempts);

size_t docket_counted(const struct docket *d, enum docket_outcome outcome);
