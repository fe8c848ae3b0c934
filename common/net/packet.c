#include "common/net/packet.h"

#include <assert.h>

#define ARRAY16 0xdc /* msgpack: 16-bit count follows */

static void
put_number(uint8_t *at, uint64_t number, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes; i++)
		at[i] = (uint8_t)(number >> (8 * (bytes - 1 - i)));
}

static uint64_t
get_number(const char *at, size_t bytes)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; i < bytes; i++)
		number = number << 8 | (uint8_t)at[i];
	return number;
}

void
packet_start(struct packet *p, struct buf *out)
{
	p->out = out;
	p->start = out->len;
	p->frames = 0;
	/* The count is not known yet, so its header has a fixed width. */
	if (buf_room(out, PACKET_HEAD + 3) != NULL)
		buf_grow(out, PACKET_HEAD + 3);
	assert(!out->failed);
}

size_t
packet_room(const struct packet *p)
{
	size_t used = p->out->len - p->start + TAG_BYTES;

	assert(used <= PACKET_MAX);
	/* A receipt and its END go together. */
	return p->frames + 2 <= PACKET_FRAMES ? PACKET_MAX - used : 0;
}

void
packet_finish(struct packet *p, struct packet_way *way)
{
	uint8_t tag[TAG_BYTES], *at;
	size_t len;

	if (p->frames == 0) {
		p->out->len = p->start;
		return;
	}
	at = p->out->data + p->start;
	len = p->out->len - p->start;
	put_number(at, len - 4 + TAG_BYTES, 4);
	put_number(at + 4, way->seq++, 8);
	at[PACKET_HEAD] = ARRAY16;
	put_number(at + PACKET_HEAD + 1, p->frames, 2);
	crypto_tag(tag, way->key, at, len);
	buf_put(p->out, tag, TAG_BYTES);
	assert(!p->out->failed && len + TAG_BYTES <= PACKET_MAX);
}

enum packet_result
packet_take(struct slice *in, size_t max, struct packet_way *way,
    struct slice *frames)
{
	uint8_t tag[TAG_BYTES];
	size_t len, body;

	if (in->len < 4)
		return PACKET_NONE;
	len = 4 + (size_t)get_number(in->ptr, 4);
	if (len > max || len < PACKET_HEAD + 1 + TAG_BYTES)
		return PACKET_BAD;
	if (in->len >= PACKET_HEAD && get_number(in->ptr + 4, 8) != way->seq)
		return PACKET_BAD;
	if (in->len < len)
		return PACKET_NONE;
	body = len - TAG_BYTES;
	crypto_tag(tag, way->key, in->ptr, body);
	if (!crypto_equal(tag, in->ptr + body, TAG_BYTES))
		return PACKET_BAD;
	way->seq++;
	*frames = slice_make(in->ptr + PACKET_HEAD, body - PACKET_HEAD);
	*in = slice_after(*in, len);
	return PACKET_GOOD;
}
