#pragma once
/*
 * surface: what callers may ask of a node: which path and method leads where.
 * Small questions (health, models) are answered here.
 */
#include "common/base/lang.h"

struct desk;
struct http_exchange;

/* The edge's events for callers; their arg is the desk. */
void surface_on_head(void *desk, struct http_exchange *x);
void surface_on_body(void *desk, struct http_exchange *x);
void surface_on_sent(void *desk, struct http_exchange *x, size_t bytes);
void surface_on_gone(void *desk, struct http_exchange *x);
void surface_on_done(void *desk, struct http_exchange *x);
void surface_on_refused(void *desk, struct http_exchange *x, int status,
    const char *why);
