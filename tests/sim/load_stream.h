#pragma once
/*
 * load_stream: many SSE streams at once.  A stream that ends well is followed
 * by the next on its connection, one that ends badly by one on a new one.
 * Prints {"ready":N} when each has had its first event; what it reports is
 * counted from there.
 */
struct target;
struct wish;

/* Print one JSON line; an exit status. */
int stream_run(const struct target *t, const struct wish *w);
