/* Lines of exports come from whoever hands them over: what is read is, byte
 * for byte, what would be written. */
#include <assert.h>

#include "common/export/entry.h"
#include "common/export/kind.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice line = slice_make(bytes, len);
	struct attempt_row attempt;
	struct outbox_entry outbox;
	struct checkpoint c;
	struct entry_room room;
	struct receipt r;
	struct buf again;

	entry_room_init(&room);
	buf_init(&again, EXPORT_LINE_MAX);
	(void)!entry_row(ROW_ATTEMPT, line, &room, &attempt);
	(void)!entry_checkpoint(line, &room, &c);
	if (entry_outbox(line, &room, &outbox)) {
		outbox_entry_write(&again, &outbox);
		assert(again.len == len + 1 &&
		       memcmp(again.data, bytes, len) == 0);
	}
	buf_reset(&again);
	if (entry_receipt(line, &room, &r)) {
		kind_put_receipt(&again, &r, buf_slice(&room.message));
		assert(len <= again.len &&
		       memcmp(again.data, bytes, len - 1) == 0);
	}
	buf_fini(&again);
	entry_room_fini(&room);
	return 0;
}
