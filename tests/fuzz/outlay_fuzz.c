/* What a node tells of its team's spending is read within its bytes. */
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/member/outlay.h"

#define ROOM 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct outlay o, second;
	struct buf again;

	if (!outlay_read(&o, slice_make(bytes, len)))
		return 0;
	buf_init(&again, ROOM);
	outlay_write(&again, &o);
	if (again.failed || !outlay_read(&second, buf_slice(&again)) ||
	    second.count != o.count)
		abort();
	buf_fini(&again);
	return 0;
}
