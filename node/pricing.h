#pragma once
/*
 * pricing: what operators see of prices: the node's own upstreams', and those
 * of each egress that offers something.
 */
struct admin_call;

int pricing_serve(struct admin_call *call);
