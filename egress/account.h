#pragma once
/*
 * account: how the provider accounts stand with their providers, and each
 * target of theirs: who may call now, who is the one that probes, and what
 * the calls taught.  A signal closes what it is about: the target, or the
 * whole account where money or key is what is wrong.  Shared by the threads;
 * time is an argument (monotonic microseconds).
 */
#include "common/member/capacity.h"
#include "common/member/target.h"

struct accounts;
struct arena;
struct model;
struct provider;

struct accounts *accounts_new(int64_t boot);
void accounts_free(struct accounts *a); /* NULL is fine */

/*
 * Whose account a team's calls to a provider are on: the one that all share,
 * or of a team that brings its own key "provider@team", in the arena.
 */
struct slice account_name(struct arena *arena, const struct provider *p,
    struct slice team);

/* The secret's name that goes with it; empty: none is sent. */
struct slice account_secret(const struct provider *p, struct slice team);

/* Who is asked, and on whose account: account_name. */
struct account_target {
	const struct model *model;
	struct slice account;
};

/* A call that was let through; zeroed is none. */
struct account_pass {
	struct target_state *account, *target;
	bool account_probe, target_probe;
};

/*
 * False: leave it alone; then how it stands is in *why.  Else the pass has to
 * end in account_leave, once.
 */
must_check bool account_enter(struct accounts *a, struct account_pass *pass,
    const struct account_target *of, int64_t now_us,
    struct capacity_entry *why);

struct account_outcome {
	enum failure failure; /* FAILURE_NONE: it was answered */
	int status;           /* the provider's; 0: none came */
	bool given_up;        /* before it said anything of the target */
	int64_t retry_after_us;
	uint32_t random;
	struct window_seen seen;
};

/* What that made of both; see target_change. */
struct account_news {
	struct target_change account, target;
	bool moved; /* nodes have to hear of it */
};
struct account_news account_leave(struct accounts *a, struct account_pass *pass,
    const struct account_outcome *o, int64_t now_us);

/*
 * The answer's content has begun: who probed has found out, and others need
 * not wait for its end.  The pass goes on as any other call's.
 */
struct account_news account_prove(struct accounts *a, struct account_pass *pass,
    int64_t now_us);

/* False: it is closed, by itself and by its account. */
must_check bool account_look(struct accounts *a,
    const struct account_target *of, int64_t now_us,
    struct capacity_entry *out);

/* One state by itself, for people: of the account where `model` is empty.
 * Zeroed when nobody has called it yet. */
void account_stand(struct accounts *a, struct slice account, struct slice model,
    int64_t now_us, struct target_look *look);

/* Which change was the last: read it before what it is to stand for. */
struct capacity_epoch accounts_epoch(const struct accounts *a);

/*
 * Files and secrets were loaded anew.  Where somebody had to act, he may have:
 * what was closed for its key or name is tried again.
 */
void accounts_adopt(struct accounts *a,
    void (*recovered)(void *arg, struct slice name,
	const struct target_change *change),
    void *arg);
