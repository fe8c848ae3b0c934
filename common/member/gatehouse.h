#pragma once
/*
 * gatehouse: the gates of a process by name, made when they are first asked
 * for, with terms that follow the topology.  They only go forward: `serial` is
 * the topology's, and who still goes by an older one finds the newer terms.
 * Any thread; gates never move.
 */
#include "common/member/gate.h"

struct gatehouse;
struct provider;

/* Gates begin as if all had been taken at `used_us` (monotonic). */
struct gatehouse *gatehouse_new(int64_t used_us);
void gatehouse_free(struct gatehouse *h); /* nobody is in a gate */

/* A gate that smooths one thing; NULL where the terms say nothing. */
struct gate *gatehouse_gate(struct gatehouse *h, struct slice name,
    const struct shaping_terms *terms, uint64_t serial);

/*
 * The gate of an account with a provider, with a part for each model by its
 * name there; NULL where neither the provider nor any model is shaped.
 */
struct gate *gatehouse_account(struct gatehouse *h, struct slice account,
    const struct provider *p, uint64_t serial);

/* Each gate, by name. */
void gatehouse_each(struct gatehouse *h,
    void (*call)(void *arg, struct gate *g), void *arg);

/*
 * The files were loaded anew: who waits there, if anybody came yet, waits by
 * the new terms; also where they say nothing any more.
 */
void gatehouse_adopt(struct gatehouse *h, struct slice name,
    const struct shaping_terms *terms, uint64_t serial);
void gatehouse_adopt_account(struct gatehouse *h, struct slice account,
    const struct provider *p, uint64_t serial);
