#pragma once
/*
 * load_ping: one call after the other on one kept connection, timed.
 */
struct target;
struct wish;

/* Print one JSON line; an exit status. */
int ping_run(const struct target *t, const struct wish *w);
