#pragma once
/*
 * browse: the routes by which stored rows are asked for: GET /admin/requests
 * (at an egress: its calls) and GET /admin/events, with the words of wish.h
 * as arguments.  `format`: text, json, jsonl, csv; page: a JSON object of
 * `rows` and `next`; rows: for commands, see page.h.
 */
struct admin_call;

int browse_requests(struct admin_call *call);
int browse_events(struct admin_call *call);
