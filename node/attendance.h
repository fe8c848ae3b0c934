#pragma once
/*
 * attendance: GET /admin/callers: each token as it stands: whether it may
 * call, when it last did, what it has under way, and what is left of its
 * tier's rates and budgets.  The clerk's thread.
 */
struct admin_call;

int attendance_serve(struct admin_call *call);
