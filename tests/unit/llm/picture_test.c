#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/llm/picture.h"

#define BYTES_MAX ((size_t)128 * 1024)

static struct arena arena;

static int
start(void **state)
{
	(void)state;
	arena_init(&arena, 16 << 20);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	arena_fini(&arena);
	return 0;
}

/* Of bytes that begin like this, and go on with zeroes. */
static struct slice
encode(const void *head, size_t head_len, size_t len)
{
	uint8_t *bytes = arena_alloc(&arena, len);
	char *text = arena_alloc(&arena, 2 * len + 8);

	memcpy(bytes, head, head_len);
	base64_write(text, bytes, len);
	return slice_of(text);
}

#define HEAD(text) text, sizeof(text) - 1

static void
formats_tell_their_size(void **state)
{
	static const struct {
		const char *head;
		size_t len;
		int64_t width, height;
	} cases[] = {
		{ HEAD("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x02\x80\0\0\1\xe0"),
		    640, 480 },
		{ HEAD("GIF89a\x40\1\xf0\0"), 320, 240 },
		{ HEAD("RIFF....WEBPVP8 ....\0\0\0\x9d\1\x2a\x20\3\x58\x42"),
		    800, 600 },
		{ HEAD("RIFF....WEBPVP8L....\x2f\x1f\xc3\x95\0"), 800, 600 },
		{ HEAD("RIFF....WEBPVP8X....\0\0\0\0\x1f\3\0\x57\2\0"), 800,
		    600 },
		{ HEAD("\xff\xd8\xff\xe0\0\4ab\xff\xff\xc2\0\x11\x08\2\x58\3"
		       "\x20"),
		    800, 600 },
	};
	struct picture p;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++) {
		if (!picture_read(&p, encode(cases[i].head, cases[i].len, 64)))
			fail_msg("case %zu is not read", i);
		assert_int_equal(p.width, cases[i].width);
		assert_int_equal(p.height, cases[i].height);
	}
}

static void
others_do_not(void **state)
{
	static const struct {
		const char *head;
		size_t len;
	} cases[] = {
		{ HEAD("") },
		{ HEAD("%PDF-1.7") },
		{ HEAD("\x89PNG") },
		{ HEAD("RIFF....WEBPVP9 ") },
		{ HEAD("RIFF....WAVEVP8X....\0\0\0\0\x1f\3\0\x57\2\0") },
		{ HEAD("\xff\xd8") },
		{ HEAD("\xff\xd8\xff\xe0\0\0") },
		{ HEAD("\xff\xd8\xff\xe0\0\1") },
		{ HEAD("\xff\xd8\xff\xe0\xff\xff") },
	};
	struct picture p;
	size_t i;

	(void)state;
	for (i = 0; i < count_of(cases); i++)
		if (picture_read(&p, encode(cases[i].head, cases[i].len, 64)))
			fail_msg("case %zu is read", i);
	assert_false(picture_read(&p, slice_of("")));
	assert_false(picture_read(&p, slice_of("iVBORw0KGgo")));
	assert_false(picture_read(&p, slice_of("not base64 at all, no, no, no "
					       "and no once more, no")));
}

/* Cameras put a preview first; only so much of it is read. */
static void
a_jpeg_may_begin_with_more(void **state)
{
	uint8_t *bytes = arena_alloc(&arena, BYTES_MAX);
	struct picture p;
	size_t len, at;

	(void)state;
	for (len = 60000; len <= 65535; len += 5535) {
		memset(bytes, 0, BYTES_MAX);
		memcpy(bytes, "\xff\xd8\xff\xe1", 4);
		bytes[4] = (uint8_t)(len >> 8);
		bytes[5] = (uint8_t)len;
		at = 4 + len;
		memcpy(bytes + at, "\xff\xc0\0\x11\x08\2\x58\3\x20", 9);
		assert_int_equal(picture_read(&p,
				     encode(bytes, BYTES_MAX, BYTES_MAX)),
		    len == 60000);
	}
}

static void
slashes_may_be_escaped(void **state)
{
	struct slice plain =
	    encode(HEAD("\xff\xd8\xff\xe0\0\x0c\xff\xff\xff\xff\xff\xff\xff"
			"\xff\xff\xff\xff\xc0\0\x11\x08\2\x58\3\x20"),
		80);
	char *text = arena_alloc(&arena, 3 * plain.len);
	struct picture p;
	size_t i, n = 0;

	(void)state;
	for (i = 0; i < plain.len; i++) {
		if (plain.ptr[i] == '_')
			text[n++] = '\\';
		text[n++] = (char)(plain.ptr[i] == '_' ? '/' : plain.ptr[i]);
	}
	assert_true(n > plain.len);
	assert_true(picture_read(&p, slice_make(text, n)));
	assert_int_equal(p.width, 800);
}

int
main(void)
{
#define FRESH(test) cmocka_unit_test_setup_teardown(test, start, stop)
	const struct CMUnitTest tests[] = {
		FRESH(formats_tell_their_size),
		FRESH(others_do_not),
		FRESH(a_jpeg_may_begin_with_more),
		FRESH(slashes_may_be_escaped),
	};

	return crypto_start() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
