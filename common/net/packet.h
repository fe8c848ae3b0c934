#pragma once
/*
 * packet: what a link's bytes are cut into.
 *
 *	u32 length | u64 seq | msgpack array of frames | 16-byte tag
 *
 * Big endian; length counts what follows it.  The tag is a keyed BLAKE2b over
 * everything before it.  A packet is whole and genuine, or the link closes.
 * Pure; any thread.
 */
#include "common/base/buf.h"
#include "common/base/crypto.h"

#define PACKET_MAX      65536 /* all of it, with its length */
#define PACKET_HEAD     12    /* length and seq */
#define PACKET_OVERHEAD (PACKET_HEAD + 3 + TAG_BYTES) /* 3: array header */
#define PACKET_FRAMES   512

/* The key and the next number of one direction. */
struct packet_way {
	uint8_t key[KEY_BYTES];
	uint64_t seq;
};

/* A packet being written at the end of `out`. */
struct packet {
	struct buf *out;
	size_t start;
	size_t frames;
};

void packet_start(struct packet *p, struct buf *out);

/* Bytes that still fit, in up to two frames; 0 when no more do. */
size_t packet_room(const struct packet *p);

/* Number it and put the tag, or take it back when it has no frames. */
void packet_finish(struct packet *p, struct packet_way *way);

enum packet_result {
	PACKET_NONE, /* more bytes are needed */
	PACKET_GOOD,
	PACKET_BAD
};

/*
 * Take the first packet of `in`, of at most `max` bytes: its frames (still
 * packed) are slices of `in`.  Nothing is taken unless it is good.
 */
enum packet_result packet_take(struct slice *in, size_t max,
    struct packet_way *way, struct slice *frames);
