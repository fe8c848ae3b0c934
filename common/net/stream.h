#pragma once
/*
 * stream: one request and its answer on a link.  The opener (a child) sends
 * the body and gets the answer; the server (a parent) the other way round.
 * For the loop's thread.  A dead stream may not be touched any more.  No call
 * here calls back.
 */
#include "common/base/slice.h"

struct link;
struct stream;

enum stream_end {
	STREAM_DONE,      /* END came: all bytes are there */
	STREAM_CANCELLED, /* the other side gave up */
	STREAM_LOST       /* the link died */
};

/* How a parent answers an OPEN that it does not serve. */
#define THROTTLED_MARK       '|'
#define THROTTLED_MARK_TEXT  "|"
#define THROTTLED_REASON_MAX 257 /* with a NUL; longer ones are cut */

struct throttled {
	/* A name of fail.def; behind a mark which bucket, where one is said. */
	struct slice reason;
	int64_t retry_after_ms;
};

struct stream_events {
	/* Opener: the parent has it and will answer once. */
	void (*on_accepted)(void *arg);
	/* Opener: the parent will not serve it; the stream is dead. */
	void (*on_throttled)(void *arg, const struct throttled *why);
	/* Opener: status and a few header fields as the provider gave them. */
	void (*on_head)(void *arg, int status, struct slice content_type,
	    int64_t retry_after_ms);
	/* Both: bytes; give credit back by stream_taken when used up. */
	void (*on_data)(void *arg, struct slice bytes);
	/* Both: stream_send took less than it was given; there is room now. */
	void (*on_room)(void *arg);
	/*
	 * Both, once: nothing more comes from the other side.  DONE on the
	 * opener's side: the stream is dead; the receipt, if there is one,
	 * came as a message just before.  DONE on the server's side: the
	 * request is whole, the answer may go on (CANCELLED or LOST may still
	 * follow until stream_end).  CANCELLED, LOST: dead.
	 */
	void (*on_end)(void *arg, enum stream_end end);
};

/* The parent's side, in on_open or later in the same turn. */
void stream_serve(struct stream *s, const struct stream_events *events,
    void *arg);

void stream_accept(struct stream *s);

/* THROTTLED; the stream is dead. */
void stream_refuse(struct stream *s, struct slice reason,
    int64_t retry_after_ms);

void stream_head(struct stream *s, int status, struct slice content_type,
    int64_t retry_after_ms);

/*
 * Queue bytes up to the stream's bounded buffer; gives how many were copied.
 * When fewer than asked, on_room comes.
 */
size_t stream_send(struct stream *s, struct slice bytes);

/*
 * No more bytes from this side.  A parent passes the sealed receipt, which
 * leaves in the same packet; a child passes none.  For the parent the stream
 * is dead then, for the child when on_end comes.
 */
void stream_end(struct stream *s, struct slice receipt);

/* Give up; the stream is dead for the caller, no event follows. */
void stream_cancel(struct stream *s);

/* The consumer's socket took these bytes: give the sender credit. */
void stream_taken(struct stream *s, size_t bytes);

/* The link that carries it. */
struct link *stream_link(const struct stream *s);
