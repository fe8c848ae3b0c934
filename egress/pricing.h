#pragma once
/*
 * pricing: what operators see of prices: the book of what each team is
 * offered.
 */
struct admin_call;

int pricing_serve(struct admin_call *call);
