#pragma once
/*
 * sse: server-sent events, in.  Feed bytes as they come, in any pieces; each
 * whole event is given with its exact bytes, so that it can be passed on
 * unchanged.  LF, CR and CRLF end lines.  An event over `max` bytes fails the
 * parser for good.  Pure.
 */
#include "common/base/buf.h"

struct sse_event {
	struct slice raw;  /* all of it, with the blank line that ends it */
	struct slice name; /* of "event:", or empty */
	struct slice data; /* of "data:", lines joined by LF */
};

struct sse {
	struct buf pending; /* an event not whole yet */
	struct buf joined;  /* data of several lines */
	bool failed;
	/* Where the bytes so far have left off: */
	bool blank;   /* the line under way (or ended by cr) has no bytes */
	bool cr;      /* behind a CR whose LF may follow */
	bool bare_cr; /* the last line that ended in CR had no LF */
	bool begun;   /* an event was given */
};

void sse_init(struct sse *s, size_t max);
void sse_fini(struct sse *s);

/*
 * Take bytes; calls `on_event` for each event that they complete.  Events of
 * comments only are given too, with empty data.  The slices are good during
 * the call.  False when failed.
 */
must_check bool sse_feed(struct sse *s, struct slice bytes,
    void (*on_event)(void *arg, const struct sse_event *event), void *arg);

/* Bytes of an event that has begun and not ended. */
struct slice sse_rest(const struct sse *s);

/*
 * Out: append one event.  CR, LF and NUL in `name` are dropped; line breaks
 * in `data` start a new "data:" line, so nothing can start another event.
 */
void sse_write(struct buf *out, struct slice name, struct slice data);
