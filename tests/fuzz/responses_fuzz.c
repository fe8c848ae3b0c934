/* Both faces of the dialect: see face.h. */
#include "tests/fuzz/face.h"

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	return face_fuzz(DIALECT_RESPONSES, bytes, len);
}
