#include "common/llm/picture.h"

#include "common/format/base64.h"

/*
 * Where formats keep their size (bytes from the start, big-endian but for GIF
 * and WebP): PNG 16 and 20; GIF 6 and 8; WebP in its first chunk, at 12; JPEG
 * in a frame header behind any number of other segments.
 */
#define HEAD_BYTES     32
#define HEADER_MAX     ((size_t)64 * 1024) /* where a JPEG must have told it */
#define CHUNK_CHARS    4
#define CHUNK_BYTES    3
#define NO_BYTE        (-1)
#define JPEG_MARK      0xff
#define JPEG_START     0xd8
#define JPEG_LENGTH    2 /* bytes of a segment's length, which counts them */
#define WEBP_SIGNATURE 0x2f
#define WEBP_SIDE_MASK 0x3fff

/* Of the picture, as far as its size may stand in it. */
struct bytes {
	struct base64 text;
	size_t given; /* so far */
};

static int
next_byte(struct bytes *b)
{
	if (b->given == HEADER_MAX)
		return NO_BYTE;
	b->given++;
	return base64_next(&b->text);
}

/* Whole chunks need no decoding, if there is no escape in them. */
static bool
skip(struct bytes *b, size_t n)
{
	size_t chunks;

	while (n > 0 && b->text.count > 0) {
		if (next_byte(b) == NO_BYTE)
			return false;
		n--;
	}
	chunks = n / CHUNK_BYTES;
	if (chunks * CHUNK_CHARS > (size_t)(b->text.end - b->text.at) ||
	    chunks * CHUNK_BYTES > HEADER_MAX - b->given)
		return false;
	if (memchr(b->text.at, '\\', chunks * CHUNK_CHARS) == NULL) {
		b->text.at += chunks * CHUNK_CHARS;
		b->given += chunks * CHUNK_BYTES;
		n -= chunks * CHUNK_BYTES;
	}
	while (n-- > 0)
		if (next_byte(b) == NO_BYTE)
			return false;
	return true;
}

static int64_t
big(const uint8_t *at, size_t len)
{
	int64_t n = 0;

	while (len-- > 0)
		n = n << 8 | *at++;
	return n;
}

static int64_t
little(const uint8_t *at, size_t len)
{
	int64_t n = 0;

	while (len-- > 0)
		n = n << 8 | at[len];
	return n;
}

static void
read_png(struct picture *p, const uint8_t *head)
{
	p->width = big(head + 16, 4);
	p->height = big(head + 20, 4);
}

static void
read_gif(struct picture *p, const uint8_t *head)
{
	p->width = little(head + 6, 2);
	p->height = little(head + 8, 2);
}

static void
read_webp(struct picture *p, const uint8_t *head)
{
	if (memcmp(head + 12, "VP8 ", 4) == 0) {
		p->width = little(head + 26, 2) & WEBP_SIDE_MASK;
		p->height = little(head + 28, 2) & WEBP_SIDE_MASK;
	} else if (memcmp(head + 12, "VP8X", 4) == 0) {
		p->width = little(head + 24, 3) + 1;
		p->height = little(head + 27, 3) + 1;
	} else if (memcmp(head + 12, "VP8L", 4) == 0 &&
		   head[20] == WEBP_SIGNATURE) {
		p->width = (little(head + 21, 4) & WEBP_SIDE_MASK) + 1;
		p->height = (little(head + 21, 4) >> 14 & WEBP_SIDE_MASK) + 1;
	}
}

/* Frame headers are 0xc0 to 0xcf but for three that share the range. */
static bool
is_frame(int marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 &&
	       marker != 0xc8 && marker != 0xcc;
}

/* The marker of the next segment, behind any fill; NO_BYTE: none. */
static int
next_marker(struct bytes *b)
{
	int c = next_byte(b);

	if (c != JPEG_MARK)
		return NO_BYTE;
	while (c == JPEG_MARK)
		c = next_byte(b);
	return c;
}

static bool
take(struct bytes *b, uint8_t *out, size_t len)
{
	int c;

	while (len-- > 0) {
		c = next_byte(b);
		if (c == NO_BYTE)
			return false;
		*out++ = (uint8_t)c;
	}
	return true;
}

static void
read_jpeg(struct picture *p, struct bytes *b)
{
	uint8_t frame[5]; /* precision, height, width */
	uint8_t length[JPEG_LENGTH];
	int64_t len;
	int marker;

	if (!skip(b, 2))
		return;
	while ((marker = next_marker(b)) != NO_BYTE) {
		if (!take(b, length, sizeof(length)))
			return;
		len = big(length, sizeof(length));
		if (len < JPEG_LENGTH)
			return;
		if (is_frame(marker))
			break;
		if (!skip(b, (size_t)len - JPEG_LENGTH))
			return;
	}
	if (marker == NO_BYTE || !take(b, frame, sizeof(frame)))
		return;
	p->height = big(frame + 1, 2);
	p->width = big(frame + 3, 2);
}

bool
picture_read(struct picture *picture, struct slice base64)
{
	struct bytes b = { .text = base64_begin(base64) }, start = b;
	uint8_t head[HEAD_BYTES];

	*picture = (struct picture){ 0 };
	if (base64.len == 0)
		return false;
	if (!take(&b, head, sizeof(head)))
		return false;
	if (memcmp(head, "\x89PNG", 4) == 0)
		read_png(picture, head);
	else if (memcmp(head, "GIF8", 4) == 0)
		read_gif(picture, head);
	else if (memcmp(head, "RIFF", 4) == 0 &&
		 memcmp(head + 8, "WEBP", 4) == 0)
		read_webp(picture, head);
	else if (head[0] == JPEG_MARK && head[1] == JPEG_START)
		read_jpeg(picture, &start);
	return picture->width > 0 && picture->height > 0;
}
