#pragma once
/*
 * gatehouse: the gates of a process by name, made when they are first asked
 * for, with terms that follow the topology.  Any thread; gates never move.
 */
#include "common/base/crypto.h"
#include "common/member/gate.h"

struct gatehouse;
struct provider;

/* Gates begin as if all had been taken at `used_us` (monotonic). */
struct gatehouse *gatehouse_new(int64_t used_us);
void gatehouse_free(struct gatehouse *h); /* nobody is in a gate */

/* A gate that smooths one thing; NULL where the terms say nothing. */
struct gate *gatehouse_gate(struct gatehouse *h, struct slice name,
    const struct shaping_terms *terms, const struct hash *topology);

/*
 * The gate of an account with a provider, with a part for each model by its
 * name there; NULL where neither the provider nor any model is shaped.
 */
struct gate *gatehouse_account(struct gatehouse *h, struct slice account,
    const struct provider *p, const struct hash *topology);

/* Each gate, by name. */
void gatehouse_each(struct gatehouse *h,
    void (*call)(void *arg, struct gate *g), void *arg);

/* The files were loaded anew: who waits there waits by the new terms. */
void gatehouse_adopt(struct gatehouse *h, struct slice account,
    const struct provider *p, const struct hash *topology);

/* Says the terms anything? */
bool shaping_is_said(const struct shaping_terms *terms);
