#pragma once
/*
 * arrival: frames about streams that come in.  A frame that the stream's state
 * does not allow ends the session.
 */
#include "common/net/session.h"

void arrival_open(struct session *s, const struct frame *f);
void arrival_accepted(struct session *s, const struct frame *f);
void arrival_throttled(struct session *s, const struct frame *f);
void arrival_head(struct session *s, const struct frame *f);
void arrival_data(struct session *s, const struct frame *f);
void arrival_end(struct session *s, const struct frame *f);
void arrival_cancel(struct session *s, const struct frame *f);
void arrival_credit(struct session *s, const struct frame *f);
