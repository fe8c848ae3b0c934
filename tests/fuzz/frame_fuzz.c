/*
 * Frames out of any bytes: what is read is within bounds, and is read back the
 * same after it was written.  And packets: none is taken without its key.
 */
#include <assert.h>
#include <stdlib.h>

#include "common/net/frame.h"
#include "common/net/packet.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (!crypto_start())
		abort();
	return 0;
}

static void
write_back(const struct frame *f)
{
	struct frame again;
	struct buf first, second;
	struct unpack u;

	buf_init(&first, (size_t)2 * PACKET_MAX);
	buf_init(&second, (size_t)2 * PACKET_MAX);
	frame_write(&first, f);
	u = unpack_start(buf_slice(&first));
	assert(frame_read(&again, &u) == FRAME_GOOD && unpack_done(&u));
	frame_write(&second, &again);
	/* A NAMES field keeps the bytes that came. */
	assert(slice_eq(buf_slice(&first), buf_slice(&second)));
	buf_fini(&first);
	buf_fini(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const struct packet_way way;
	struct packet_way w = way;
	struct slice in = slice_make(bytes, len), frames;
	struct slice names[FRAME_NAMES_MAX];
	struct unpack u = unpack_start(in);
	struct frame f;
	size_t frames_max = PACKET_FRAMES;

	if (packet_take(&in, PACKET_MAX, &w, &frames) == PACKET_GOOD)
		assert(frames.len <= PACKET_MAX && w.seq == 1);
	while (u.rest.len > 0 && frames_max-- > 0) {
		enum frame_result result = frame_read(&f, &u);

		if (result == FRAME_BAD)
			break;
		if (result == FRAME_PASSED)
			continue;
		assert(frame_name(f.type) != NULL);
		if (f.type == FRAME_OPEN)
			assert(frame_names(f.as.open.path, names) >= 1);
		write_back(&f);
	}
	return 0;
}
