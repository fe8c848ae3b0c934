#pragma once
/*
 * capacity: a call's step between its body and its intent, where what the
 * provider's accounts can take now is asked for; and what is told to nodes of
 * it.  A call that was let through tells once how it went, however it ends.
 */
#include "common/llm/fail.h"

struct call;
struct dock;
struct link;
struct team;

/*
 * FAIL_NONE: it may be made.  Else nothing may be called: what to tell, and
 * when to come again.
 */
enum fail capacity_enter(struct call *c, int64_t *retry_after_ms);

/* Would it be refused for sure?  Then it need not wait for its turn. */
bool capacity_is_closed(const struct call *c);

/* Its answer has begun: who waited for a probe need not wait for its end. */
void capacity_prove(struct call *c);

/*
 * It was answered, or failed, or was given up before it told anything; the
 * nodes hear what changed by it in this turn.  Nothing when that was done.
 */
void capacity_leave(struct call *c, bool given_up);

/* The CAPACITY message for a team, to a node of its. */
void capacity_tell(struct dock *d, struct link *l, const struct team *team);

/* Files and secrets were loaded anew: what waited for that is tried again. */
void capacity_adopt(struct dock *d);

/* On the dock's thread: tell all its nodes what changed since it did. */
void capacity_tell_all(struct dock *d);
