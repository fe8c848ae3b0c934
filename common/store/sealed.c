#include "common/store/sealed.h"

#include "common/format/pack.h"

#define FIELDS 6 /* object and five of the seal */

void
sealed_write(struct buf *out, struct slice object, const struct seal *seal)
{
	size_t i;

	pack_array(out, FIELDS);
	pack_bytes(out, object.ptr, object.len);
	pack_bytes(out, seal->root.bytes, HASH_BYTES);
	pack_bytes(out, seal->signature.bytes, SIGNATURE_BYTES);
	pack_int(out, seal->index);
	pack_int(out, seal->count);
	pack_array(out, seal->path_len);
	for (i = 0; i < seal->path_len; i++)
		pack_bytes(out, seal->path[i].bytes, HASH_BYTES);
}

static bool
read_seal(struct unpack *u, struct seal *seal)
{
	int64_t index, count;
	size_t path, i;

	unpack_fixed(u, seal->root.bytes, HASH_BYTES);
	unpack_fixed(u, seal->signature.bytes, SIGNATURE_BYTES);
	index = unpack_int(u);
	count = unpack_int(u);
	path = unpack_array(u);
	if (u->failed || count < 1 || count > SEAL_MAX || index < 0 ||
	    index >= count || path > SEAL_PATH)
		return false;
	seal->index = (uint8_t)index;
	seal->count = (uint8_t)count;
	seal->path_len = (uint8_t)path;
	for (i = 0; i < path; i++)
		unpack_fixed(u, seal->path[i].bytes, HASH_BYTES);
	return unpack_done(u);
}

bool
sealed_read(struct slice message, struct slice *object, struct seal *seal)
{
	struct unpack u = unpack_start(message);

	if (unpack_array(&u) != FIELDS)
		return false;
	*object = unpack_bytes(&u);
	return read_seal(&u, seal);
}
