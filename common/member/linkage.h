#pragma once
/*
 * linkage: GET /admin/links: how each link of this member is, to whom, and who
 * should be there and is not; at an egress also who was not let in.
 */
struct admin_call;

int linkage_serve(struct admin_call *call);
