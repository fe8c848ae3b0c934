#include "tests/unit/net/served.h"

#include <stdio.h>

#include "common/base/arena.h"
#include "common/format/json.h"

/*
 * The cases of tests/golden/http/framing.json, each sent whole and then a
 * byte at a time.  Whatever is sent, the application must see exactly the
 * requests that are in it, and no request that is hidden in another.
 */
#define CASES       "tests/golden/http/framing.json"
#define CASES_MAX   (1024 * 1024)
#define SEND_MAX    (512 * 1024)
#define DRIBBLE_MAX 2048

#define SENTINEL                                                               \
	"GET /sentinel HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n"

struct framing {
	struct slice name;
	struct buf bytes;
	int64_t requests, status;
	bool open;  /* the connection takes another request */
	bool whole; /* told from two requests by coming at once */
};

static void
load(struct arena *arena, struct buf *text)
{
	FILE *f = fopen(CASES, "re");
	uint8_t *room;

	assert_non_null(f);
	arena_init(arena, 4 * CASES_MAX);
	buf_init(text, CASES_MAX);
	room = buf_room(text, CASES_MAX);
	buf_grow(text, fread(room, 1, CASES_MAX, f));
	assert_true(feof(f));
	fclose(f);
}

/* A case's text is of characters up to U+00FF, each standing for a byte. */
static void
put_bytes(struct buf *out, struct slice text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= 0xc0 && i + 1 < text.len)
			c = (unsigned char)((c & 3) << 6 |
					    (text.ptr[++i] & 0x3f));
		buf_putc(out, (char)c);
	}
}

static void
put_piece(struct arena *arena, struct buf *out, const struct json_value *piece)
{
	struct slice text;
	int64_t times = 1;

	if (piece->type == JSON_OBJECT) {
		assert_true(json_int(json_find(piece, "times"), &times));
		piece = json_find(piece, "repeat");
	}
	assert_true(json_text(piece, arena, &text));
	for (; times > 0; times--)
		put_bytes(out, text);
}

static void
parse(struct arena *arena, const struct json_value *v, struct framing *f)
{
	const struct json_value *open = json_find(v, "open");
	const struct json_value *whole = json_find(v, "whole"), *piece;

	assert_true(json_text(json_find(v, "name"), arena, &f->name));
	assert_true(json_int(json_find(v, "requests"), &f->requests));
	assert_true(json_int(json_find(v, "status"), &f->status));
	f->open = open != NULL && open->type == JSON_TRUE;
	f->whole = whole != NULL && whole->type == JSON_TRUE;
	buf_init(&f->bytes, SEND_MAX);
	piece = json_find(v, "send")->first;
	for (; piece != NULL; piece = piece->next)
		put_piece(arena, &f->bytes, piece);
	assert_false(f->bytes.failed);
}

static int
first_status(struct buf *in)
{
	const char *text = buf_text(in);

	return strncmp(text, "HTTP/1.1 ", 9) == 0 ? atoi(text + 9) : 0;
}

/* True when it went as the case says. */
static bool
went_well(struct served *w, const struct framing *f, size_t step)
{
	int heads = w->heads, sentinels = w->sentinels, status;
	struct slice rest = buf_slice(&f->bytes);
	struct buf in;
	int fd = dial(w);
	bool closed;

	for (; rest.len > 0; rest = slice_after(rest, step))
		say(fd, slice_make(rest.ptr, min_size(rest.len, step)));
	buf_init(&in, CASES_MAX);
	if (f->open &&
	    hear_answer(fd, &in, slice_starts(buf_slice(&f->bytes), "HEAD ")))
		say(fd, slice_of(SENTINEL));
	closed = hear_all(fd, &in);
	close(fd);
	status = first_status(&in);
	heads = w->heads - heads;
	sentinels = w->sentinels - sentinels;
	if (!closed || heads != f->requests || sentinels != (int)f->open ||
	    status != f->status) {
		print_error("%.*s, %zu at a time: requests %d, next %d, "
			    "status %d, closed %d\n",
		    SLICE_FMT(f->name), step, heads, sentinels, status,
		    (int)closed);
		buf_fini(&in);
		return false;
	}
	buf_fini(&in);
	return true;
}

static void
test_every_case(void **state)
{
	struct json_error error;
	struct served w;
	struct arena arena;
	struct buf text;
	const struct json_value *cases, *v;
	int wrong = 0, count = 0;

	(void)state;
	load(&arena, &text);
	cases = json_parse(&arena, buf_slice(&text), &error);
	assert_non_null(cases);
	served_start(&w, 1500);
	for (v = cases->first; v != NULL; v = v->next, count++) {
		struct framing f;

		parse(&arena, v, &f);
		wrong += !went_well(&w, &f, SEND_MAX);
		if (!f.whole && f.bytes.len <= DRIBBLE_MAX)
			wrong += !went_well(&w, &f, 1);
		buf_fini(&f.bytes);
	}
	served_stop(&w);
	assert_true(count >= 60);
	assert_int_equal(wrong, 0);
	buf_fini(&text);
	arena_fini(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
