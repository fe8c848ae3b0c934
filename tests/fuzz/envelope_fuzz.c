/* What a peer sends as an envelope or a catalog is read within its bytes. */
#include <stdlib.h>

#include "common/base/buf.h"
#include "common/base/crypto.h"
#include "common/llm/catalog.h"
#include "common/llm/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct envelope e;
	struct catalog *c;
	struct buf again;

	if (envelope_read(&e, slice_make(bytes, len))) {
		buf_init(&again, ENVELOPE_MAX);
		envelope_write(&again, &e);
		if (again.failed)
			abort();
		buf_fini(&again);
	}
	c = catalog_read(slice_make(bytes, len), NULL);
	if (c != NULL && c->count > 0 &&
	    catalog_find(c, c->entries[0].target) == NULL)
		abort();
	catalog_release(c);
	return 0;
}
