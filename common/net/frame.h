#pragma once
/*
 * frame: one msgpack array inside a packet, as msg.def lays it out.  Reading
 * gives a bounded struct whose slices point into the packet; a value out of its
 * bounds makes the frame bad.  Pure; any thread.
 */
#include "common/format/pack.h"

#define FRAME_DATA_MAX     16384 /* bytes in one DATA, or one message part */
#define FRAME_ENVELOPE_MAX 8192
#define FRAME_NAMES_MAX    16
#define FRAME_NAME_MAX     63
#define FRAME_OPTIONAL     64 /* unknown numbers from here on are passed over */

enum frame_type {
#define FRAME(NAME, name, number, sender, step) FRAME_##NAME = number,
#include "common/net/msg.def"
};

/* Who may send it. */
enum frame_sender { FRAME_CHILD = 1, FRAME_PARENT = 2, FRAME_EITHER = 3 };

#define FRAME(NAME, name, number, sender, step) struct frame_##name {
#define INT(name, field, least, most)           int64_t field;
#define TEXT(name, field, least, most)          struct slice field;
#define BYTES(name, field, least, most)         struct slice field;
#define NAMES(name, field, least, most)         struct slice field; /* packed */
#define LAST(name)                                                             \
	}                                                                      \
	;
#include "common/net/msg.def"

struct frame {
	enum frame_type type;
	union {
#define FRAME(NAME, name, number, sender, step) struct frame_##name name;
#include "common/net/msg.def"
	} as;
};

/* Append; every value is within the bounds of msg.def. */
void frame_write(struct buf *out, const struct frame *f);

enum frame_result {
	FRAME_GOOD,
	FRAME_PASSED, /* unknown, and may be passed over */
	FRAME_BAD
};

/* Take the next frame. */
enum frame_result frame_read(struct frame *f, struct unpack *u);

/* Who may send this type. */
enum frame_sender frame_sender(enum frame_type type);

/* "DATA"; for logs. */
const char *frame_name(enum frame_type type);

/* Take a NAMES field apart; gives how many (at most FRAME_NAMES_MAX). */
size_t frame_names(struct slice packed, struct slice names[FRAME_NAMES_MAX]);
