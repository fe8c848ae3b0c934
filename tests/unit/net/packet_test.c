#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/net/packet.h"

static struct packet_way way;

/* A packet whose frames are the one-byte value nil, `count` of them. */
static void
write_packet(struct buf *out, size_t count, uint64_t seq)
{
	struct packet_way w = way;
	struct packet p;
	size_t i;

	w.seq = seq;
	packet_start(&p, out);
	for (i = 0; i < count; i++) {
		assert_true(packet_room(&p) > 0);
		buf_putc(out, (char)0xc0);
		p.frames++;
	}
	packet_finish(&p, &w);
	assert_int_equal(w.seq, seq + (count > 0));
}

static enum packet_result
take(struct slice *in, struct packet_way *w, struct slice *frames)
{
	return packet_take(in, PACKET_MAX, w, frames);
}

static void
packets_are_taken_in_order(void **state)
{
	struct packet_way w = way;
	struct slice in, frames;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	write_packet(&b, 2, 0);
	write_packet(&b, 0, 1); /* leaves nothing */
	write_packet(&b, 1, 1);
	in = buf_slice(&b);
	assert_int_equal(take(&in, &w, &frames), PACKET_GOOD);
	assert_memory_equal(frames.ptr, "\xdc\0\2\xc0\xc0", frames.len);
	assert_int_equal(take(&in, &w, &frames), PACKET_GOOD);
	assert_memory_equal(frames.ptr, "\xdc\0\1\xc0", frames.len);
	assert_int_equal(in.len, 0);
	assert_int_equal(take(&in, &w, &frames), PACKET_NONE);
	buf_fini(&b);
}

static void
a_flipped_bit_is_noticed(void **state)
{
	struct slice in, frames;
	struct buf b;
	size_t i;
	int bit;

	(void)state;
	buf_init(&b, 1000);
	write_packet(&b, 9, 0);
	for (i = 0; i < b.len; i++)
		for (bit = 0; bit < 8; bit++) {
			struct packet_way w = way;

			b.data[i] ^= (uint8_t)(1 << bit);
			in = buf_slice(&b);
			/* A longer length has to wait for its bytes. */
			assert_int_not_equal(take(&in, &w, &frames),
			    PACKET_GOOD);
			assert_int_equal(w.seq, 0);
			b.data[i] ^= (uint8_t)(1 << bit);
		}
	buf_fini(&b);
}

static void
a_part_is_waited_for(void **state)
{
	struct packet_way w = way;
	struct slice in, frames;
	struct buf b;
	size_t len;

	(void)state;
	buf_init(&b, 1000);
	write_packet(&b, 3, 0);
	for (len = 0; len < b.len; len++) {
		in = slice_make(b.data, len);
		assert_int_equal(take(&in, &w, &frames), PACKET_NONE);
		assert_int_equal(in.len, len);
	}
	buf_fini(&b);
}

static void
seq_and_key_have_to_fit(void **state)
{
	struct packet_way w = way;
	struct slice in, frames;
	struct buf b;

	(void)state;
	buf_init(&b, 1000);
	write_packet(&b, 3, 1);
	in = buf_slice(&b);
	assert_int_equal(take(&in, &w, &frames), PACKET_BAD);
	/* It is known as soon as the number is there. */
	in.len = PACKET_HEAD;
	assert_int_equal(take(&in, &w, &frames), PACKET_BAD);
	w.seq = 1;
	w.key[31] ^= 1;
	in = buf_slice(&b);
	assert_int_equal(take(&in, &w, &frames), PACKET_BAD);
	buf_fini(&b);
}

static void
sizes_are_bounded(void **state)
{
	struct packet_way w = way;
	struct slice frames;
	struct slice huge = slice_make("\xff\xff\xff\xff", 4);
	struct slice over = slice_make("\0\0\xff\xfd", 4); /* 65537 in all */
	struct slice most = slice_make("\0\0\xff\xfc", 4);
	struct slice tiny = slice_make("\0\0\0\x18", 4); /* no frame fits */

	(void)state;
	assert_int_equal(take(&huge, &w, &frames), PACKET_BAD);
	assert_int_equal(take(&over, &w, &frames), PACKET_BAD);
	assert_int_equal(take(&most, &w, &frames), PACKET_NONE);
	assert_int_equal(take(&tiny, &w, &frames), PACKET_BAD);
	assert_int_equal(packet_take(&most, 512, &w, &frames), PACKET_BAD);
}

static void
a_full_packet_is_within_bounds(void **state)
{
	struct packet_way w = way;
	struct slice in, frames;
	struct packet p;
	struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, (size_t)2 * PACKET_MAX);
	packet_start(&p, &b);
	while ((n = packet_room(&p)) > 0) {
		n = min_size(n, 1000);
		memset(buf_room(&b, n), 0xc0, n);
		buf_grow(&b, n);
		p.frames++;
	}
	packet_finish(&p, &w);
	assert_int_equal(b.len, PACKET_MAX);
	in = buf_slice(&b);
	w = way;
	assert_int_equal(take(&in, &w, &frames), PACKET_GOOD);
	buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_are_taken_in_order),
		cmocka_unit_test(a_flipped_bit_is_noticed),
		cmocka_unit_test(a_part_is_waited_for),
		cmocka_unit_test(seq_and_key_have_to_fit),
		cmocka_unit_test(sizes_are_bounded),
		cmocka_unit_test(a_full_packet_is_within_bounds),
	};

	if (!crypto_start())
		return 1;
	crypto_random(way.key, sizeof(way.key));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
