/* Words come from whoever asks, and a page from a daemon: what is taken of
 * them is in range, and a key that is written is read as the same again. */
#include <assert.h>

#include "common/base/buf.h"
#include "common/store/page.h"

#define WHY_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check(const struct wish *w, enum row_kind kind)
{
	char text[SEARCH_KEY_CHARS];
	struct wish again;

	assert(w->texts_count <= WISH_TEXTS_MAX && w->limit > 0);
	assert(w->before.len <= SEARCH_KEY_MAX);
	assert(w->after.len <= SEARCH_KEY_MAX);
	assert(w->from_us >= 0 && w->from_us <= ROW_TIME_MAX);
	assert(w->to_us >= 0 && w->to_us <= ROW_TIME_MAX);
	assert(w->slow_us >= 0 && w->status_from <= w->status_to);
	if (w->before.len == 0)
		return;
	search_key_write(&w->before, text);
	wish_init(&again, kind);
	assert(wish_take(&again, slice_of("before"), slice_of(text), NULL) ==
	       WISH_TAKEN);
	assert(again.before.len == w->before.len);
	assert(memcmp(again.before.bytes, w->before.bytes, w->before.len) == 0);
}

/* Lines of a name, a space and a value. */
static void
take_lines(struct slice text, enum row_kind kind)
{
	struct wish w;
	struct buf why;

	wish_init(&w, kind);
	buf_init(&why, WHY_MAX);
	while (text.len > 0) {
		const char *end = memchr(text.ptr, '\n', text.len);
		size_t n = end != NULL ? (size_t)(end - text.ptr) : text.len;
		const char *space = memchr(text.ptr, ' ', n);
		size_t name = space != NULL ? (size_t)(space - text.ptr) : n;

		(void)wish_take(&w, slice_make(text.ptr, name),
		    slice_after(slice_make(text.ptr, n), name + 1), &why);
		text = slice_after(text, n + 1);
	}
	buf_fini(&why);
	check(&w, kind);
}

static void
read_page(struct slice bytes, enum row_kind kind)
{
	const union search_row *row;
	struct page page;
	size_t rows = 0;

	page_open(&page, kind, bytes);
	while ((row = page_next(&page)) != NULL)
		rows++;
	assert(rows <= bytes.len);
	assert(page.whole || page.rest.len <= bytes.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const enum row_kind kinds[] = { ROW_REQUEST, ROW_ATTEMPT,
		ROW_EVENT };
	struct slice rest = slice_make(bytes, len);
	enum row_kind kind;

	if (len == 0)
		return 0;
	kind = kinds[bytes[0] % count_of(kinds)];
	rest = slice_after(rest, 1);
	take_lines(rest, kind);
	read_page(rest, kind);
	return 0;
}
