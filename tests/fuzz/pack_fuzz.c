/*
 * The first bytes say which readers are called, in turn, on the rest: none
 * reads outside, a failed cursor stays failed.  Passing over a value agrees
 * with msgpack-c's own unpacker.
 */
#include <assert.h>
#include <msgpack.h>

#include "common/format/pack.h"

#define SCRIPT_BYTES 8

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_inside(struct slice s, struct slice all)
{
	if (s.len > 0)
		assert(s.ptr >= all.ptr && s.ptr + s.len <= all.ptr + all.len);
}

static void
step(struct unpack *u, uint8_t which, struct slice all)
{
	struct unpack before = *u;
	uint8_t fixed[4];

	switch (which % 9) {
	case 0:
		assert(unpack_array(u) <= before.rest.len);
		break;
	case 1:
		assert(unpack_map(u) <= before.rest.len / 2);
		break;
	case 2:
		unpack_int(u);
		break;
	case 3:
		unpack_bool(u);
		break;
	case 4:
		check_inside(unpack_text(u), all);
		break;
	case 5:
		check_inside(unpack_bytes(u), all);
		break;
	case 6:
		unpack_fixed(u, fixed, sizeof(fixed));
		break;
	case 7:
		check_inside(unpack_raw(u), all);
		break;
	default:
		unpack_nil(u);
	}
	assert(u->failed || u->rest.len <= before.rest.len);
	assert(u->failed || !before.failed);
	check_inside(u->rest, all);
}

/* How deep msgpack-c found it; ours passes over at most 16 levels. */
static unsigned
depth_of(const msgpack_object *o)
{
	unsigned deepest = 0, d;
	uint32_t i;

	if (o->type == MSGPACK_OBJECT_ARRAY) {
		for (i = 0; i < o->via.array.size; i++) {
			d = depth_of(&o->via.array.ptr[i]);
			deepest = d > deepest ? d : deepest;
		}
		return deepest + 1;
	}
	if (o->type != MSGPACK_OBJECT_MAP)
		return 0;
	for (i = 0; i < o->via.map.size; i++) {
		d = depth_of(&o->via.map.ptr[i].key);
		deepest = d > deepest ? d : deepest;
		d = depth_of(&o->via.map.ptr[i].val);
		deepest = d > deepest ? d : deepest;
	}
	return deepest + 1;
}

/*
 * The library allocates what a count declares, so it only sees what our
 * cursor has taken; and short inputs that ours refused.
 */
static void
compare(struct slice all)
{
	struct unpack u = unpack_start(all);
	msgpack_unpacked theirs;
	msgpack_unpack_return said;
	size_t at = 0;

	unpack_skip(&u);
	if (u.failed && (all.len > 32 || memchr(all.ptr, 0xdd, all.len) ||
			    memchr(all.ptr, 0xdf, all.len)))
		return;
	msgpack_unpacked_init(&theirs);
	said = msgpack_unpack_next(&theirs, all.ptr, all.len, &at);
	if (!u.failed) {
		assert(said == MSGPACK_UNPACK_SUCCESS ||
		       said == MSGPACK_UNPACK_EXTRA_BYTES);
		assert(at == all.len - u.rest.len);
	} else if (said == MSGPACK_UNPACK_SUCCESS) {
		assert(depth_of(&theirs.data) > 16);
	}
	msgpack_unpacked_destroy(&theirs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct slice all;
	struct unpack u;
	size_t i;

	if (len < SCRIPT_BYTES)
		return 0;
	all = slice_make(bytes + SCRIPT_BYTES, len - SCRIPT_BYTES);
	u = unpack_start(all);
	for (i = 0; i < SCRIPT_BYTES; i++)
		step(&u, bytes[i], all);
	if (all.len > 0)
		compare(all);
	return 0;
}
