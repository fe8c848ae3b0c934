#pragma once
/*
 * keeping: what operators ask of retention, legal holds and backups, on the
 * control socket.  What takes its time is begun by a POST; the GET of the
 * same path answers 202 until it is done.
 */
#include "common/member/admin.h"

int keeping_status(struct admin_call *call);
int keeping_run(struct admin_call *call);
int keeping_ran(struct admin_call *call);
int keeping_holds(struct admin_call *call);
int keeping_hold(struct admin_call *call);
int keeping_let_go(struct admin_call *call);
int keeping_copy(struct admin_call *call);
int keeping_copied(struct admin_call *call);
