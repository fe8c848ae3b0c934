#pragma once
/*
 * reckoning: the report that an operator asks a running daemon for: GET
 * /admin/report, with the words of report/question.h and format=text, json,
 * csv or markdown.
 */
struct admin_call;

/* An admin route: the answer comes later (ADMIN_LATER), or says what is
 * wrong. */
int reckoning_serve(struct admin_call *call);
