#include "common/format/pack.h"

#include <msgpack.h>

#define SKIP_DEPTH_MAX 16
#define NIL_BYTE       0xc0

/*
 * The one-byte forms that nearly all of a row's columns have are written
 * here: the library's writer takes a call or two for each byte.
 */
#define FIXTEXT     0xa0
#define FIXTEXT_MAX 31
#define FIXINT_MAX  127

/* msgpack-c's writer calls this; the buf's sticky failure tells the rest. */
static int
put(void *arg, const char *bytes, size_t len)
{
	buf_put(arg, bytes, len);
	return 0;
}

static msgpack_packer
packer(struct buf *out)
{
	msgpack_packer p;

	msgpack_packer_init(&p, out, put);
	return p;
}

void
pack_array(struct buf *out, size_t count)
{
	msgpack_packer p = packer(out);

	msgpack_pack_array(&p, count);
}

void
pack_map(struct buf *out, size_t count)
{
	msgpack_packer p = packer(out);

	msgpack_pack_map(&p, count);
}

void
pack_int(struct buf *out, int64_t number)
{
	msgpack_packer p;

	if (number >= 0 && number <= FIXINT_MAX) {
		buf_putc(out, (char)number);
		return;
	}
	p = packer(out);
	msgpack_pack_int64(&p, number);
}

void
pack_bool(struct buf *out, bool truth)
{
	msgpack_packer p = packer(out);

	if (truth)
		msgpack_pack_true(&p);
	else
		msgpack_pack_false(&p);
}

void
pack_nil(struct buf *out)
{
	msgpack_packer p = packer(out);

	msgpack_pack_nil(&p);
}

void
pack_text(struct buf *out, struct slice text)
{
	msgpack_packer p;

	if (text.len <= FIXTEXT_MAX) {
		buf_putc(out, (char)(FIXTEXT | text.len));
	} else {
		p = packer(out);
		msgpack_pack_str(&p, text.len);
	}
	if (text.len > 0)
		buf_put(out, text.ptr, text.len);
}

void
pack_bytes(struct buf *out, const void *bytes, size_t len)
{
	msgpack_packer p = packer(out);

	msgpack_pack_bin(&p, len);
	buf_put(out, bytes, len);
}

enum kind { BAD, NIL, FALSE, TRUE, UINT, INT, TEXT, BYTES, OTHER, ARRAY, MAP };

/*
 * The encodings 0xc0 to 0xdf: what it is, how many bytes of length or number
 * follow, and how many more bytes there are than that length says (OTHER is
 * for floats and extensions, which are only ever passed over).
 */
static const struct form {
	uint8_t kind, width, extra;
} forms[32] = {
	{ NIL, 0, 0 },
	{ BAD, 0, 0 },
	{ FALSE, 0, 0 },
	{ TRUE, 0, 0 },
	{ BYTES, 1, 0 },
	{ BYTES, 2, 0 },
	{ BYTES, 4, 0 },
	{ OTHER, 1, 1 },
	{ OTHER, 2, 1 },
	{ OTHER, 4, 1 },
	{ OTHER, 0, 4 },
	{ OTHER, 0, 8 },
	{ UINT, 1, 0 },
	{ UINT, 2, 0 },
	{ UINT, 4, 0 },
	{ UINT, 8, 0 },
	{ INT, 1, 0 },
	{ INT, 2, 0 },
	{ INT, 4, 0 },
	{ INT, 8, 0 },
	{ OTHER, 0, 2 },
	{ OTHER, 0, 3 },
	{ OTHER, 0, 5 },
	{ OTHER, 0, 9 },
	{ OTHER, 0, 17 },
	{ TEXT, 1, 0 },
	{ TEXT, 2, 0 },
	{ TEXT, 4, 0 },
	{ ARRAY, 2, 0 },
	{ ARRAY, 4, 0 },
	{ MAP, 2, 0 },
	{ MAP, 4, 0 },
};

/* What stands before a value's bytes or members. */
struct head {
	enum kind kind;
	uint64_t n; /* number (INT: as int64), bytes or count */
};

static void
fail(struct unpack *u)
{
	u->failed = true;
	u->rest = slice_make(NULL, 0);
}

static uint64_t
big_endian(const uint8_t *at, size_t width)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < width; i++)
		n = n << 8 | at[i];
	return n;
}

/* Spread the sign of a number of that many bytes. */
static uint64_t
extend(uint64_t n, size_t width)
{
	unsigned unused = 64 - 8 * (unsigned)width;

	return (uint64_t)((int64_t)(n << unused) >> unused);
}

static struct head
short_head(uint8_t first)
{
	if (first <= 0x7f)
		return (struct head){ UINT, first };
	if (first <= 0x8f)
		return (struct head){ MAP, first & 0x0f };
	if (first <= 0x9f)
		return (struct head){ ARRAY, first & 0x0f };
	if (first <= 0xbf)
		return (struct head){ TEXT, first & 0x1f };
	return (struct head){ INT, extend(first, 1) };
}

/* Is there room for what the head promises?  A value has a byte or more. */
static bool
fits(const struct head *h, size_t left)
{
	switch (h->kind) {
	case BAD:
		return false;
	case MAP:
		return h->n <= left / 2;
	case TEXT:
	case BYTES:
	case OTHER:
	case ARRAY:
		return h->n <= left;
	default:
		return true;
	}
}

/* Take the head; when there is none, or no room, the kind is BAD. */
static struct head
take_head(struct unpack *u)
{
	const uint8_t *at = (const uint8_t *)u->rest.ptr;
	struct head h = { BAD, 0 };
	struct form form = { BAD, 0, 0 };

	if (u->failed || u->rest.len == 0) {
		fail(u);
		return h;
	}
	if (at[0] < 0xc0 || at[0] > 0xdf) {
		h = short_head(at[0]);
	} else {
		form = forms[at[0] - 0xc0];
		if (form.width < u->rest.len) {
			h.kind = form.kind;
			h.n = big_endian(at + 1, form.width) + form.extra;
		}
	}
	if (h.kind == INT && form.width > 0)
		h.n = extend(h.n, form.width);
	if (!fits(&h, u->rest.len - 1 - form.width)) {
		fail(u);
		h = (struct head){ BAD, 0 };
	} else {
		u->rest = slice_after(u->rest, 1u + form.width);
	}
	return h;
}

static struct head
expect(struct unpack *u, enum kind kind)
{
	struct head h = take_head(u);

	if (h.kind != kind) {
		fail(u);
		h.n = 0;
	}
	return h;
}

static struct slice
take(struct unpack *u, size_t len)
{
	struct slice taken = slice_make(u->rest.ptr, len);

	u->rest = slice_after(u->rest, len);
	return taken;
}

size_t
unpack_array(struct unpack *u)
{
	return expect(u, ARRAY).n;
}

size_t
unpack_map(struct unpack *u)
{
	return expect(u, MAP).n;
}

int64_t
unpack_int(struct unpack *u)
{
	struct head h = take_head(u);

	if (h.kind == INT || (h.kind == UINT && h.n <= INT64_MAX))
		return (int64_t)h.n;
	fail(u);
	return 0;
}

bool
unpack_bool(struct unpack *u)
{
	struct head h = take_head(u);

	if (h.kind != TRUE && h.kind != FALSE)
		fail(u);
	return h.kind == TRUE;
}

struct slice
unpack_text(struct unpack *u)
{
	return take(u, expect(u, TEXT).n);
}

struct slice
unpack_bytes(struct unpack *u)
{
	return take(u, expect(u, BYTES).n);
}

void
unpack_fixed(struct unpack *u, void *out, size_t len)
{
	struct slice bytes = unpack_bytes(u);

	if (u->failed || bytes.len != len) {
		fail(u);
		memset(out, 0, len);
	} else if (len > 0) {
		memcpy(out, bytes.ptr, len);
	}
}

/* Counts are bounded by the bytes that are left, so this ends. */
static void
skip(struct unpack *u, unsigned levels)
{
	struct head h = take_head(u);
	uint64_t i, values = 0;

	switch (h.kind) {
	case TEXT:
	case BYTES:
	case OTHER:
		take(u, h.n);
		return;
	case ARRAY:
		values = h.n;
		break;
	case MAP:
		values = 2 * h.n;
		break;
	default:
		return;
	}
	if (levels == 0)
		fail(u);
	for (i = 0; i < values && !u->failed; i++)
		skip(u, levels - 1);
}

void
unpack_skip(struct unpack *u)
{
	skip(u, SKIP_DEPTH_MAX);
}

bool
unpack_nil(struct unpack *u)
{
	if (u->failed || u->rest.len == 0 ||
	    (uint8_t)u->rest.ptr[0] != NIL_BYTE)
		return false;
	u->rest = slice_after(u->rest, 1);
	return true;
}

struct slice
unpack_raw(struct unpack *u)
{
	struct slice before = u->rest;

	unpack_skip(u);
	if (u->failed)
		return slice_make(NULL, 0);
	return slice_make(before.ptr, before.len - u->rest.len);
}
