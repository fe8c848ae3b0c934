#pragma once
/*
 * slot: a stream as the session sees it; applications use stream.h.
 *
 * A stream has a slot from OPEN until each side has sent its last frame (END,
 * CANCEL, or the parent's THROTTLED).  It is `deaf` when the application may
 * not touch it any more, which is often earlier.
 */
#include "common/base/buf.h"
#include "common/base/list.h"
#include "common/base/seal.h"
#include "common/net/stream.h"

struct session;

struct stream {
	struct session *session;
	int64_t id;        /* 0: its OPEN was not written */
	struct list all;   /* in session's streams, dead or pool */
	struct list queue; /* in opening, ready or parked */
	struct list tell;  /* in telling */

	const struct stream_events *events; /* NULL: not served yet */
	void *arg;

	int64_t window;      /* credit that it began with, either way */
	int64_t recv_credit; /* bytes the peer may still send */
	size_t untaken;      /* told to the application, not taken yet */
	size_t owed;         /* taken, and not given back as credit yet */
	int64_t send_credit;

	struct buf out; /* bytes to send, from out_at */
	size_t out_at;
	struct buf last;  /* a receipt that goes before END */
	struct buf early; /* bytes that came before it was served */

	struct buf envelope, path; /* of an OPEN that waits; path is packed */
	struct hash leaf;
	int64_t remaining_ms, max_wait_ms;

	bool deaf;       /* dead for the application */
	bool has_slot;   /* in `streams` and by_id */
	bool ending;     /* END is to follow the bytes */
	bool said_last;  /* our last frame was queued */
	bool heard_last; /* theirs came */
	bool cancelled;  /* theirs was CANCEL */
	bool told_end;   /* on_end was called */
	bool short_room; /* stream_send took less than given */
};

struct stream *stream_new(struct session *s);
void stream_free(struct stream *st);

/* Its slot, if both sides have said their last. */
void stream_settle(struct stream *st);

/* Tell the application how it ended, now; a server hears on after DONE. */
void stream_tell_end(struct stream *st, enum stream_end end);

/* Drop what waits to be sent; a receipt goes on its own. */
void stream_drop_output(struct stream *st);

/* It has something to send: put it where the queue looks. */
void stream_ready(struct stream *st);

/* session_tell will visit it. */
void stream_tell_later(struct stream *st);

/* Bytes that wait to be sent. */
static inline size_t
stream_waiting(const struct stream *st)
{
	return st->out.len - st->out_at;
}
