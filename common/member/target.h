#pragma once
/*
 * target: what a member knows of each target by use: what was seen of it
 * lately, whether it is backing off, by its own judgment or an egress's, and
 * whether an operator took it out.  Shared by the threads: each state has a
 * lock, held for microseconds; the set only grows, up to TARGET_STATES_MAX,
 * and states never move.
 */
#include <pthread.h>

#include "common/limit/backoff.h"
#include "common/limit/window.h"
#include "common/llm/failure.h"

#define TARGET_STATES_MAX 4096

struct target_states;

/* What an egress said of it; followed, not judged by. */
struct target_told {
	uint64_t judge; /* who said so; see target_hear */
	struct backoff backoff;
	uint64_t turn; /* which of its openings this is, as the judge counts */
	bool noted;    /* it was written down that it backs off */
	bool answered; /* our probe ended that opening since */
};

struct target_state {
	struct slice name; /* provider/model; at an egress also an account */
	pthread_mutex_t lock;
	struct window window;
	struct backoff backoff; /* by what this member saw */
	int64_t turns;          /* how often that began */
	struct target_told told;
	int64_t disabled_until_us; /* wall; 0: not, INT64_MAX: for good */
};

struct target_states *target_states_new(void);
void target_states_free(struct target_states *s); /* NULL is fine */

/*
 * Found, or made with a copy of the name; beyond the maximum all others share
 * one state, called "others".
 */
struct target_state *target_state_get(struct target_states *s,
    struct slice name);

/* NULL when it was never asked for. */
struct target_state *target_state_find(struct target_states *s,
    struct slice name);

/* Walk in the order they were made: start with *at = 0, stop at NULL. */
struct target_state *target_state_next(struct target_states *s, size_t *at);

/* One consistent look, for deciding and for people. */
struct target_look {
	struct sight seen;
	enum backoff_state state;
	enum backoff_kind kind;
	int64_t wait_us;           /* until it may be tried */
	int64_t turns;             /* how often it began to back off */
	int64_t disabled_until_us; /* 0 when it is not, now */
};
void target_look(struct target_state *t, struct target_look *look,
    int64_t now_us, int64_t wall_us);

/* Did an operator take it out since somebody looked? */
must_check bool target_is_disabled(struct target_state *t, int64_t wall_us);

/* Before a call; see backoff_enter. */
must_check bool target_enter(struct target_state *t, int64_t now_us,
    bool *probe);

/*
 * After it.  What is the request's own fault, or an error of ours or of
 * another member's, is no failure of the target's; the former shows that the
 * target answers, which closes a breaker but neither a limit nor a quota.
 */
struct target_outcome {
	enum failure failure; /* FAILURE_NONE: it was answered */
	bool given_up;        /* the caller left, a deadline of the request */
	bool again; /* it is called once more: the backoff waits for that */
	bool told;  /* an egress saw the same and judges it; it only counts */
	bool probe;
	int strikes; /* see backoff_cause */
	int64_t retry_after_us;
	uint32_t random;
	struct window_seen seen;
};

/* What that made of the target, for whoever writes it down. */
enum target_turn { TARGET_AS_BEFORE, TARGET_BACKS_OFF, TARGET_RECOVERED };
struct target_change {
	enum target_turn turn;
	enum backoff_kind kind; /* that it backs off for, or did */
	int64_t wait_us;        /* until it may be tried */
	bool moved; /* others who wait for it have to hear: it turned, or its
		     * time was put off */
};

/*
 * A probe that fails backs off anew; further failures meanwhile do not.  One
 * that is answered also ends what an egress has said before it began.
 */
struct target_change target_leave(struct target_state *t,
    const struct target_outcome *o, int64_t now_us);

/* What the probe asked has begun to answer: it is none any more. */
struct target_change target_prove(struct target_state *t, int64_t now_us);

/*
 * An egress's word on how the target stands with it: open for `wait_us`, or
 * half-open, or (BACKOFF_NONE) closed.  `judge` is any number that names the
 * egress: it closes only what it has opened itself.  A `turn` that was heard
 * before is no change.
 */
struct target_word {
	uint64_t judge;
	enum backoff_kind kind;
	int64_t wait_us;
	bool half_open;
	uint64_t turn;
};
struct target_change target_hear(struct target_state *t,
    const struct target_word *w, int64_t now_us);

/* It refused a call for that: leave the target alone for so long. */
void target_put_off(struct target_state *t, const struct target_word *w,
    int64_t now_us);

/* Has an egress said to leave it alone, since somebody entered? */
must_check bool target_is_put_off(struct target_state *t, int64_t now_us);

/* Somebody acted: it is closed if it backs off for that. */
struct target_change target_forgive(struct target_state *t,
    enum backoff_kind kind);

/* What to tell a caller who finds it backing off, and the kind of that. */
enum fail target_fail(enum backoff_kind kind);
enum backoff_kind target_kind(enum fail fail); /* BACKOFF_NONE: of none */

/* An operator's word; enabling also closes the backoff. */
void target_disable(struct target_state *t, int64_t until_wall_us);
void target_enable(struct target_state *t);
