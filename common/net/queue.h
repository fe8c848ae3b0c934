#pragma once
/*
 * queue: what waits to leave a session, and the packets it leaves in: control
 * frames first, then OPENs, sealed together, then messages and streams in
 * turn, 16 KiB each.
 */
#include "common/net/session.h"

/* Queue a control frame; too many of them end the session. */
void queue_control(struct session *s, const struct frame *f);

/* A frame that has no field but the stream. */
void queue_plain(struct session *s, enum frame_type type, int64_t stream);

void queue_credit(struct session *s, int64_t stream, int64_t bytes);

/* A packet of its own, at once, for the handshake. */
void queue_alone(struct session *s, const struct frame *f);

void queue_message(struct session *s, enum link_message type,
    struct slice bytes);

/* Drop all that waits. */
void queue_fini(struct session *s);

/* Anything that session_fill could send now? */
bool queue_waits(const struct session *s);
