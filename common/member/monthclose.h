#pragma once
/*
 * monthclose: the closing of a month that an operator asks a running daemon
 * for: POST /admin/report/final with {"month":"2026-10"}, perhaps
 * "unvouched":"yes".  Done as an errand; that it was closed is a row of the
 * audit log of its own, beside that of the question.
 */
struct admin_call;

/* An admin route: the answer comes later (ADMIN_LATER), or says what is
 * wrong.  409: what is missing. */
int monthclose_serve(struct admin_call *call);
