#pragma once
/*
 * gate: where requests wait for what many share: a provider's account, or one
 * caller's or group's own smoothing.  It lets in what its shapers let in, and
 * while they do not, in turn (fair.h).  A gate is shared by the threads; a
 * pass belongs to its request's, whose bell is rung when it is decided.
 * A full queue is nobody's alone: see GATE_WAITING_MAX.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "common/limit/fair.h"
#include "common/limit/shaper.h"
#include "common/member/bell.h"

#define GATE_PARTS_MAX 4096 /* models of an account */

/*
 * Who waits when `depth` already do has less than its party's share of them,
 * by weight among those that wait.  So those that are there before others
 * come keep nobody out, and twice the depth wait at most, and one of each
 * party.
 */
#define GATE_WAITING_MAX(depth) (2 * (depth) + FAIR_SHARES_MAX + 1)

struct gate_part;

struct gate {
	pthread_mutex_t lock;
	struct slice name; /* its owner's */
	struct shaper whole;
	struct shaping_terms terms;
	struct map parts; /* struct gate_part by name */
	struct fair line;
	struct toll backlog; /* of all that wait */
	size_t waiting;
	int64_t next_us; /* when to look again */
};

/* `name` has to stay. */
void gate_init(struct gate *g, struct slice name);
void gate_fini(struct gate *g); /* nobody is in it */

/* New terms, of the whole or of a part; what is taken stays. */
void gate_set(struct gate *g, const struct shaping_terms *terms,
    int64_t now_us);
void gate_set_part(struct gate *g, struct slice name,
    const struct shaping_terms *terms, int64_t now_us);

/* Nothing is known after that time: see bucket_empty. */
void gate_empty(struct gate *g, int64_t last_us);

enum pass_state { PASS_NONE, PASS_WAITS, PASS_IN, PASS_REFUSED };

/* Zeroed: PASS_NONE. */
struct gate_pass {
	enum pass_state state; /* gate_state, while it waits */
	struct gate *gate;
	struct gate_part *part;
	struct fair_waiter turn;
	struct toll toll;
	int64_t since_us, until_us, taken_us;
	bool waited;
	/* Why it had to wait, or was refused, and how long it would take. */
	enum shaper_bucket bucket;
	bool of_part;
	int64_t wait_us;
	struct list link; /* in its bell */
	struct bell *bell;
	void (*call)(void *arg);
	void *arg;
};

struct gate_wish {
	struct slice party, flow, part; /* part: empty for none */
	int64_t weight;
	struct toll toll;
	int64_t max_wait_us; /* beside what the gate lets wait; 0: not at all */
	struct bell *bell;
	void (*call)(void *arg); /* it waited, and is decided */
	void *arg;
};

/*
 * PASS_IN, PASS_REFUSED (bucket and wait_us say why and for how long), or
 * PASS_WAITS: then `call` comes on the bell's thread.
 */
enum pass_state gate_enter(struct gate *g, struct gate_pass *p,
    const struct gate_wish *wish, int64_t now_us);

/* As it is now. */
enum pass_state gate_state(struct gate_pass *p);

/* It leaves, and this is what it took; from whatever state it is in. */
void gate_leave(struct gate_pass *p, const struct toll *real, int64_t now_us);

/* It did not happen after all; from whatever state it is in. */
void gate_undo(struct gate_pass *p, int64_t now_us);

/* The bell's: is it decided by now?  When is it to be looked at again? */
bool gate_is_decided(struct gate_pass *p, int64_t now_us);
int64_t gate_look_again_us(struct gate_pass *p);

/* For people. */
struct gate_look {
	/* A minute; at once; left of that.  Rate 0: there is none. */
	int64_t rate[SHAPER_RATES], burst[SHAPER_RATES], left[SHAPER_RATES];
	int64_t running, concurrent, waiting;
};
void gate_look(struct gate *g, struct slice part, struct gate_look *look,
    int64_t now_us);

/* The whole, whose part is empty, then each part that has terms, by name. */
void gate_each(struct gate *g, int64_t now_us,
    void (*call)(void *arg, struct slice part, const struct gate_look *look),
    void *arg);
