#pragma once
/*
 * affinity: which target has a conversation's beginning in its prompt cache,
 * as far as this node knows: a bounded table from a keyed hash of group,
 * caller and the prompt's beginning to the target that answered last.
 * Nothing of the prompt is kept.  Shared by the threads; its lock is short.
 */
#include "common/base/slice.h"

struct affinity;
struct json_value;
struct shape;

/* The oldest of four gives way to a new one. */
#define AFFINITY_ENTRIES 16384

struct affinity *affinity_new(void);
void affinity_free(struct affinity *a); /* NULL is fine */

/*
 * The key of a request: the same for every turn of a conversation.  Over the
 * texts of system prompt and messages (or input items) up to the first of the
 * user, of each its beginning: what comes later is not there in the first
 * turn.  Clients move cache marks, and write a text with and without parts,
 * from turn to turn: neither counts.  0 when there is no text.
 */
uint64_t affinity_key(const struct json_value *root, const struct shape *shape,
    struct slice group, struct slice caller);

/*
 * The target noted less than ttl_us ago, to the second; 0 when there is none.
 * Targets are told by a short hash of their name (affinity_target).
 */
uint64_t affinity_find(struct affinity *a, uint64_t key, int64_t ttl_us,
    int64_t now_us);

/* Nothing is noted under the key 0. */
void affinity_note(struct affinity *a, uint64_t key, uint64_t target,
    int64_t now_us);

/* Never 0; 32 bits, good among the targets of a group. */
uint64_t affinity_target(struct slice target);
