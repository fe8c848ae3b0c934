#pragma once
/*
 * appointment: how admin tokens are made and ended over HTTP: who asks gives
 * only what it has itself.  The body is that of appointment_put.
 */
#include "common/base/slice.h"

struct admin_call;
struct buf;
struct steward_wish;

/* POST /admin/admin-tokens: answers with the token, once. */
int appointment_make(struct admin_call *call);

/* POST /admin/admin-tokens/revoke: {"name": …} */
int appointment_end(struct admin_call *call);

/* The wish as JSON, for who asks. */
void appointment_put(struct buf *out, const struct steward_wish *wish);
